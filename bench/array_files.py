"""Reads the arrays of a data set, X (rows of numbers) and y (1 for an anomaly), from NumPy's .npz and from MATLAB's level-5
.mat, by the standard library alone. Other files and types are refused by name."""
import ast
import struct
import zipfile
import zlib

_NUMPY_CODES = {"f8": "d", "f4": "f", "i8": "q", "i4": "i", "i2": "h", "i1": "b", "u8": "Q", "u4": "I", "u2": "H", "u1": "B",
                "b1": "?"}
_MATLAB_CODES = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
_MATRIX, _COMPRESSED = 14, 15


def read_set(file):
    """(rows, labels): a list of lists of float, a list of 0 and 1."""
    arrays = dict(_read_npz(file) if str(file).endswith(".npz") else _read_mat(file))
    shape, values, by_column = arrays["X"]
    rows, columns = shape
    labels = [int(value) for value in arrays["y"][1]]
    assert len(labels) == rows, f"{file}: {rows} rows and {len(labels)} labels"
    if by_column:
        return [[float(values[column * rows + row]) for column in range(columns)] for row in range(rows)], labels
    return [[float(value) for value in values[row * columns:(row + 1) * columns]] for row in range(rows)], labels


def _read_npz(file):
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            assert content[:6] == b"\x93NUMPY", f"{file}: {name} is no NumPy array"
            wide = content[6] >= 2
            size = struct.unpack_from("<I" if wide else "<H", content, 8)[0]
            start = (12 if wide else 10) + size
            header = ast.literal_eval(content[start - size:start].decode())
            code = _NUMPY_CODES[header["descr"][1:]]
            values = struct.unpack(f"{header['descr'][0].replace('|', '<')}{(len(content) - start) // struct.calcsize(code)}{code}",
                                   content[start:])
            yield name.removesuffix(".npy"), (header["shape"], values, header["fortran_order"])


def _elements(content):
    """(type, bytes) of each data element; the short form packs both into eight bytes."""
    at = 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<II", content, at)
        if kind >> 16:
            yield kind & 0xFFFF, content[at + 4:at + 4 + (kind >> 16)]
            at += 8
            continue
        yield kind, content[at + 8:at + 8 + size]
        at += 8 + (size if kind == _COMPRESSED else (size + 7) // 8 * 8)


def _numbers(element):
    kind, content = element
    code = _MATLAB_CODES[kind]
    return struct.unpack(f"<{len(content) // struct.calcsize(code)}{code}", content)


def _read_mat(file):
    with open(file, "rb") as stream:
        content = stream.read()
    assert content[:10] == b"MATLAB 5.0", f"{file}: no MATLAB file of level 5"
    for kind, body in _elements(content[128:]):
        if kind == _COMPRESSED:
            kind, body = next(_elements(zlib.decompress(body)))
        if kind != _MATRIX:
            continue
        parts = list(_elements(body))
        yield parts[2][1].decode(), (_numbers(parts[1]), _numbers(parts[3]), True)
