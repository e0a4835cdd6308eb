"""A fuzz target that is also an ordinary test."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")

# How long libFuzzer may look, where it is linked into the test.
LIBFUZZER_ARGS = ["-seed=1", "-max_total_time=30", "-max_len=4096", "-close_fd_mask=1"]

def narthex_fuzz(name, srcs, corpus, deps, size = "small"):
    """Builds LLVMFuzzerTestOneInput in two ways.

    NAME_corpus_test runs every file of the corpus and a bounded number of deterministic mutations of each, in any
    configuration; with --config=fuzz libFuzzer takes that over for half a minute, and begins with the corpus. NAME is the libFuzzer
    binary, to run it for longer: `bazel run --config=fuzz //test/fuzz:NAME -- -max_total_time=3600`.

    Args:
      name: of the libFuzzer binary.
      srcs: the file with LLVMFuzzerTestOneInput.
      corpus: the label of the files to begin with.
      deps: what srcs use.
      size: of the test.
    """
    native.genrule(
        name = name + "_seeds",
        testonly = True,
        srcs = [corpus],
        outs = [name + ".seeds"],
        cmd = "echo $(locations %s) | tr ' ' ',' | tr -d '\\n' > $@" % corpus,
    )
    cc_test(
        name = name + "_corpus_test",
        size = size,
        srcs = srcs,
        args = select({
            "//test/fuzz:libfuzzer": LIBFUZZER_ARGS + ["-seed_inputs=@$(rootpath :%s.seeds)" % name],
            "//conditions:default": ["$(locations %s)" % corpus],
        }),
        data = [corpus, name + ".seeds"],
        linkopts = select({
            "//test/fuzz:libfuzzer": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        deps = deps + select({
            "//test/fuzz:libfuzzer": [],
            "//conditions:default": ["//test/fuzz:corpus_main"],
        }),
    )
    cc_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = deps,
    )
