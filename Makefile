# The commands of the README. Everything else is CMake: `cmake --preset release` and so on.
BUILD := build/release
JOBS ?= $(shell nproc)
CTEST := ctest --output-on-failure --no-tests=error -j $(JOBS)

.PHONY: demo test build bench bench-engine bench-training bench-anomaly bench-links bench-recording bench-ringer bench-seed-filter damage kill-test replay-million packages configure format lint asan tsan fuzz train-demo-models models-report clean

demo: packages configure
	cmake --build --preset release -j $(JOBS) --target tamis tamisd
	$(BUILD)/bin/tamis demo

test: build
	cd $(BUILD) && $(CTEST)

build: packages configure
	cmake --build --preset release -j $(JOBS)

packages:
	@.ci/install-packages

configure: packages
	@[ -f $(BUILD)/build.ninja ] || cmake --preset release

# Engine latency, node overhead over a bare ZeroMQ echo, throughput. Ratios of one run are what to quote.
bench: build
	$(BUILD)/bin/tamis bench
	$(BUILD)/bin/node_bench $(BUILD)/bin bench/menus

# The engine beside oneDNN alone and, where TAMIS_ONNXRUNTIME_ROOT names one, ONNX Runtime (bench/README.md).
bench-engine: packages
	cmake --preset release $(if $(TAMIS_ONNXRUNTIME_ROOT),-DTAMIS_ONNXRUNTIME_ROOT=$(TAMIS_ONNXRUNTIME_ROOT))
	cmake --build --preset release -j $(JOBS) --target engine_bench
	$(BUILD)/bin/engine_bench --models models/shipped --data $(or $(TAMIS_DATA_DIR),../shared/data) \
	    --commit $$(git describe --always --dirty) --json $(BUILD)/engine_bench.json

# Samples per second of training, beside libtorch where that is installed (bench/README.md).
bench-training: packages configure
	cmake --build --preset release -j $(JOBS) --target training_bench
	$(BUILD)/bin/training_bench --json $(BUILD)/training_bench.json

# 10,000 doublets of an event with the seed filter's pre-filter and without, beside the published network.
bench-seed-filter: packages configure
	cmake --build --preset release -j $(JOBS) --target seed_filter_bench
	$(BUILD)/bin/seed_filter_bench models/shipped/seed_filter $(or $(TAMIS_DATA_DIR),../shared/data)

# Autoencoder and Gaussian VAE of any table beside published anomaly detectors (bench/README.md).
bench-anomaly: packages configure
	cmake --build --preset release -j $(JOBS) --target tamis
	python3 bench/anomaly_bench.py --tamis $(BUILD)/bin/tamis --jobs $(JOBS) --json $(BUILD)/anomaly_bench.json

# Links beside bare PUSH/PULL of the same messages.
bench-links: packages configure
	cmake --build --preset release -j $(JOBS) --target link_bench
	$(BUILD)/bin/link_bench

# 50 processes killed at random instants (node, source, downstream in turn), the books proved afterwards.
kill-test: build
	/usr/bin/python3 tests/system/reliable_kill_test.py $(CURDIR)/$(BUILD) $(CURDIR) 50

# A million events replayed with 1 to 4 workers, in both thread modes, at three speeds: one digest of decisions and score bits.
EVENTS ?= 1000000
replay-million: packages configure
	cmake --build --preset release -j $(JOBS) --target tamis
	OMP_NUM_THREADS=1 python3 tests/system/replay_million.py $(BUILD) $(EVENTS)

# The recorder beside a plain write + fdatasync loop, the reader beside zstd alone (bench/README.md).
bench-recording: packages configure
	cmake --build --preset release -j $(JOBS) --target recording_bench
	$(BUILD)/bin/recording_bench $(BUILD)

# A 64 KiB recording cut at every byte and with every bit flipped, for each compression. Some minutes; make test has a sample.
damage: packages configure
	cmake --build --preset release -j $(JOBS) --target recording_tests
	TAMIS_EXHAUSTIVE=1 $(BUILD)/tests/streams/recording/recording_tests --gtest_filter='*ExhaustiveDamage*'

# Ringers on real probes beside the published ensembles and the cut-based selection (models/ringer/README.md).
bench-ringer: packages configure
	cmake --build --preset release -j $(JOBS) --target tamis
	python3 bench/ringer_probes.py --tamis $(BUILD)/bin/tamis --data $(or $(TAMIS_DATA_DIR),../shared/data) --json $(BUILD)/ringer_probes.json

# The three shipped models, made again from their recipes; the files come out byte for byte the same.
train-demo-models: build
	$(BUILD)/bin/tamis train vae --output models/shipped/vae
	$(BUILD)/bin/tamis train ringer --output models/shipped/ringer
	$(BUILD)/bin/tamis train seed-filter --output models/shipped/seed_filter

# The same into a folder of their own, each with its report; says whether the files are those in models/shipped.
REPORTS := $(BUILD)/models_report
DEMO_MODELS := vae ringer seed_filter
models-report: packages configure
	cmake --build --preset release -j $(JOBS) --target tamis
	rm -rf $(REPORTS)
	$(MAKE) --no-print-directory -j $(JOBS) $(DEMO_MODELS:%=$(REPORTS)/%/report.html)
	@same=yes; for model in $(DEMO_MODELS); do \
	    if diff -rq models/shipped/$$model $(REPORTS)/$$model/model; then echo "$$model: byte for byte the shipped one; report in $(REPORTS)/$$model"; \
	    else echo "$$model: DIFFERS from the shipped one"; same=no; fi; done; [ $$same = yes ]

$(REPORTS)/%/report.html:
	@mkdir -p $(@D)
	OMP_NUM_THREADS=1 $(BUILD)/bin/tamis train $(subst _,-,$*) --output $(@D)/model >$(@D)/training.txt 2>&1 || { cat $(@D)/training.txt; exit 1; }
	OMP_NUM_THREADS=1 $(BUILD)/bin/tamis evaluate $(@D)/model --output $(@D) >$(@D)/evaluation.txt

asan tsan: packages
	cmake --preset $@
	cmake --build --preset $@ -j $(JOBS)
	ctest --preset $@ --no-tests=error -j $(JOBS)

# Every fuzz target for FUZZ_SECONDS seconds.
FUZZ_SECONDS ?= 60
fuzz: packages
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS) --target fuzzers
	tests/fuzz/run-all build/fuzz $(FUZZ_SECONDS)

SOURCES = $(shell git ls-files "*.cpp" "*.hpp" "*.inl")
format:
	clang-format -i $(SOURCES)

lint: packages
	clang-format --dry-run -Werror $(SOURCES)
	cmake --preset lint
	cmake --build --preset lint -j $(JOBS)
	run-clang-tidy -quiet -extra-arg=-Wno-unknown-warning-option -p build/lint -j $(JOBS) '^$(CURDIR)/(engine|streams|models|config|daemon|bench)/[^.]*\.cpp$$' >build/lint/clang-tidy.log 2>&1 \
	    || { grep -E '(error|warning):' build/lint/clang-tidy.log | sort -u; exit 1; }

clean:
	rm -rf build run
