#!/usr/bin/env python3
"""Proves the laws of the tree: layers, include order, sizes, names, words, paths in READMEs. Usage: tidy_test.py ROOT"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1])
TOP_LEVEL = {"daemon", "engine", "models", "streams", "config", "bench", "tests", "CMakeLists.txt", "README.md",
             "CMakePresets.json", "Makefile", "LICENSE", "CHANGELOG.md"}
# What a folder may include beside itself.
LAYERS = {
    "engine": set(),
    "streams": set(),
    "models": {"engine", "streams"},
    "config": {"streams", "models"},
    "daemon": {"engine", "streams", "models", "config"},
    "bench": {"engine", "streams", "models", "config", "daemon"},
    "tests": {"engine", "streams", "models", "config", "daemon", "bench", "tests"},
}
# One library, one home: header prefix -> folders that may name it.
HOMES = {
    r"(dnnl|oneapi/dnnl/dnnl)\.hpp?": {"engine"},
    r"onnx/": {"engine", "tests"},  # tests: ONNX's own checker
    r"zmq\.h(pp)?": {"streams", "bench", "tests"},
    r"mcap/": set(),
    r"zstd\.h": {"streams"},
    r"hdf5\.h": {"streams", "tests"},
    r"Eigen/": {"models"},
    r"boost/(asio|beast)": {"daemon", "tests"},
    r"spdlog/": {"daemon"},
    r"prometheus/": {"daemon"},
    r"CLI/": {"daemon"},
    r"gtest/|gmock/": {"tests"},
    r"benchmark/": {"bench"},
}
MAX_LINES = 420
BANNED_NAMES = re.compile(r"(^|[/_.])(utils?|common|helpers?|misc|manager|base|core)([/_.]|$)")
BANNED_WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)

problems = []


def tracked():
    try:
        listed = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
        return [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        return [p for p in ROOT.rglob("*") if p.is_file() and "build" not in p.parts and ".git" not in p.parts]


def check_includes(path, relative, text, graph):
    folder = relative.parts[0]
    for quoted, angled in INCLUDE.findall(text):
        if quoted:
            first = quoted.split("/")[0]
            if first in LAYERS and first != folder and first not in LAYERS[folder]:
                problems.append(f"{relative}: includes {quoted}, but {folder} must not see {first}")
            if first in LAYERS and not quoted.endswith(".pb.h") and not (ROOT / quoted).exists():
                problems.append(f"{relative}: includes {quoted}, which does not exist")
            if relative.suffix == ".hpp" and first in LAYERS:
                graph.setdefault(str(relative), set()).add(quoted)
        for pattern, homes in HOMES.items():
            if re.match(pattern, angled or quoted) and folder not in homes:
                problems.append(f"{relative}: {angled or quoted} is at home in {sorted(homes)} only")


def check_circles(graph):
    done, path = set(), []

    def visit(node):
        if node in path:
            problems.append("circle of headers: " + " -> ".join(path[path.index(node):] + [node]))
            return
        if node in done:
            return
        path.append(node)
        for following in sorted(graph.get(node, ())):
            visit(following)
        path.pop()
        done.add(node)

    for node in sorted(graph):
        visit(node)


def check_readme(path, relative, text):
    if relative.name != "README.md":
        return
    if len(relative.parts) > 1 and text.count("\n") > 80:
        problems.append(f"{relative}: {text.count(chr(10))} lines; a folder's README has at most 80")
    for name in re.findall(r"`((?:engine|streams|models|config|daemon|bench|tests)/[\w./-]+)`", text):
        target = ROOT / name
        if not target.exists() and not list(target.parent.glob(target.name + ".*")):
            problems.append(f"{relative}: names {name}, which does not exist")


def main():
    graph = {}
    files = tracked()
    for path in files:
        relative = path.relative_to(ROOT)
        top = relative.parts[0]
        if top not in TOP_LEVEL and not top.startswith("."):
            problems.append(f"{relative}: the top level holds only {sorted(TOP_LEVEL)}")
        if BANNED_NAMES.search(str(relative)):
            problems.append(f"{relative}: a name that says nothing")
        if path.suffix not in {".cpp", ".hpp", ".inl", ".py", ".md", ".proto", ".txt", ".pbtxt", ".sh", ".cmake", ""}:
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if BANNED_WORDS.search(text) and relative != pathlib.Path("tests/tidy/tidy_test.py"):
            problems.append(f"{relative}: {BANNED_WORDS.search(text).group(0)} is left in it")
        if re.search(r"(?<![\w.])/(home|root|work)/", text) and relative != pathlib.Path("tests/tidy/tidy_test.py"):
            problems.append(f"{relative}: a path of one machine")
        check_readme(path, relative, text)
        if path.suffix in {".cpp", ".hpp", ".inl"}:
            lines = text.count("\n")
            if lines > MAX_LINES:
                problems.append(f"{relative}: {lines} lines; one concept fits in {MAX_LINES}")
            if path.suffix == ".hpp" and "#pragma once" not in text:
                problems.append(f"{relative}: no #pragma once")
            if top in LAYERS:
                check_includes(path, relative, text, graph)
    check_circles(graph)
    for problem in sorted(set(problems)):
        print(problem)
    print(f"tidy: {len(files)} files, {len(set(problems))} problems")
    return 1 if problems else 0


sys.exit(main())
