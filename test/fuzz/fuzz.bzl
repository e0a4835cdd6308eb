"""A fuzz target that is also an ordinary test."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")

def narthex_fuzz(name, srcs, corpus, deps, size = "small"):
    """Builds LLVMFuzzerTestOneInput in two ways.

    NAME_corpus_test runs every file of the corpus and a bounded number of deterministic mutations of each, in any
    configuration. NAME is the libFuzzer binary: `bazel run --config=fuzz //test/fuzz:NAME -- -max_total_time=60`.

    Args:
      name: of the libFuzzer binary.
      srcs: the file with LLVMFuzzerTestOneInput.
      corpus: the files to begin with.
      deps: what srcs use.
      size: of the test.
    """
    cc_test(
        name = name + "_corpus_test",
        size = size,
        srcs = srcs,
        args = ["$(locations %s)" % file for file in corpus],
        data = corpus,
        deps = deps + ["//test/fuzz:corpus_main"],
    )
    cc_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = deps,
    )
