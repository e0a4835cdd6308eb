"""link_only(name, dep): what `dep` links, without the headers that it is compiled with."""

def _link_only(ctx):
    return [CcInfo(linking_context = ctx.attr.dep[CcInfo].linking_context)]

link_only = rule(
    implementation = _link_only,
    attrs = {"dep": attr.label(providers = [CcInfo], mandatory = True)},
)
