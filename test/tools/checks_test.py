"""The checks tell good from bad."""
import unittest

from checks import fields, layers, sizes, texts


def sizes_of(text):
    return {name: (line, lines) for name, line, lines in sizes.functions(text)}


class Functions(unittest.TestCase):
    def test_counts_from_the_declaration_to_the_closing_brace(self):
        text = "namespace narthex {\n\nint Sum(int a,\n        int b) {\n  return a + b;\n}\n\n}  // namespace narthex\n"
        self.assertEqual(sizes_of(text), {"Sum": (3, 4)})

    def test_counts_members_constructors_and_lambdas_once(self):
        text = ("class A : public B {\n public:\n  A(int x) : x_{x}, y_{1} {\n    F([] { return 1; });\n  }\n"
                "  int Get() const { return x_; }\n\n private:\n  int x_{0};\n  int y_ = 0;\n};\n")
        self.assertEqual(sizes_of(text), {"A": (3, 3), "Get": (6, 1)})

    def test_is_not_misled_by_comments_literals_and_macros(self):
        text = ("// void Never() {\n#define M(x) \\\n  { x }\nconst char* k = \"{\";\nchar c = '{';\n"
                "auto r = R\"x({)\" )x\";\nvoid F() {\n  G(\"}\");  // }\n}\nTEST(Suite, Name) {\n  int a[] = {1, 2};\n}\n")
        self.assertEqual(sizes_of(text), {"F": (7, 3), "TEST": (10, 3)})

    def test_structs_enums_and_tables_are_no_functions(self):
        text = "enum class E { kA };\nstruct S {\n  int a = 0;\n};\nconstexpr T kTable[] = {\n    {F(1), 2},\n};\nint A() { return 0; }\n"
        self.assertEqual(sizes_of(text), {"A": (8, 1)})


class Layers(unittest.TestCase):
    def refused(self, user, used):
        return layers.refusal(layers.place(user), layers.place(used)) is not None

    def test_a_folder_uses_those_before_it(self):
        self.assertFalse(self.refused("source/http/a.cc", "source/base/b.h"))
        self.assertFalse(self.refused("source/http/a.cc", "source/http/b.h"))
        self.assertTrue(self.refused("source/base/a.cc", "source/http/b.h"))
        self.assertTrue(self.refused("source/stats/a.cc", "source/event/b.h"))
        self.assertTrue(self.refused("source/unheard_of/a.cc", "source/base/b.h"))

    def test_a_filter_uses_no_other_filter(self):
        self.assertFalse(self.refused("filters/cors/cors.cc", "source/filter/http_filter.h"))
        self.assertFalse(self.refused("filters/cors/cors.cc", "filters/cors/cors.h"))
        self.assertTrue(self.refused("filters/cors/cors.cc", "filters/fault/fault.h"))
        self.assertTrue(self.refused("filters/cors/cors.cc", "source/server/server.h"))
        self.assertFalse(self.refused("filters/registry.cc", "filters/fault/fault.h"))
        self.assertFalse(self.refused("source/server/main.cc", "filters/registry.h"))
        self.assertTrue(self.refused("source/router/router.cc", "filters/registry.h"))

    def test_tests_follow_the_layer_that_they_test(self):
        self.assertTrue(self.refused("source/net/a.cc", "test/net/fake.h"))
        self.assertFalse(self.refused("test/net/a_test.cc", "test/net/fake.h"))
        self.assertTrue(self.refused("test/net/a_test.cc", "source/http/codec.h"))
        self.assertFalse(self.refused("test/integration/a_test.cc", "source/server/server.h"))
        self.assertTrue(self.refused("test/bench/relay.cc", "source/net/socket.h"))


class Visibility(unittest.TestCase):
    def test_names_layers_above_filters_and_tests_only(self):
        for label in ("//source/router:__pkg__", "//filters:__subpackages__", "//test:__subpackages__", "//visibility:private"):
            self.assertIsNone(layers.visibility_refusal("http", label), label)
        for label in ("//visibility:public", "//source:__subpackages__", "//source/net:__pkg__", "//examples:__pkg__"):
            self.assertIsNotNone(layers.visibility_refusal("http", label), label)
        self.assertIsNotNone(layers.visibility_refusal("manager", "//filters:__subpackages__"))


class Life(unittest.TestCase):
    def problems(self, text):
        held = {"a/b.cc": "int Outer::Run(int x) {}\nvoid Help() {}\n", "a/c.h": "class Outer {\n  int Run(int x);\n};\n"}
        return [what for _, what in texts.misplaced(text, held.get)]

    def test_finds_functions_in_the_files_beside_them(self):
        self.assertEqual(self.problems("1. `a/b.cc`, `Outer::Run()` and\n   `Help()`.\n2. `a/c.h`, `narthex::Outer::Run()`.\n"), [])

    def test_a_file_is_good_for_its_own_step_only(self):
        self.assertEqual(self.problems("1. `a/b.cc`, `Help()`.\n2. `a/c.h`, `Help()`.\n"),
                         ["`Help()` is in none of the files named beside it"])
        self.assertEqual(self.problems("`a/b.cc`.\n\n`Outer::Run()`.\n"), ["`Outer::Run()` is in none of the files named beside it"])

    def test_names_files_and_functions_that_are_gone(self):
        self.assertEqual(self.problems("| `a/old.cc` | `Help()` |\n"),
                         ["`a/old.cc` does not exist", "`Help()` is in none of the files named beside it"])
        self.assertEqual(self.problems("`a/b.cc`: `Inner::Run()`, `Outer::Walk()`\n"),
                         ["`Inner::Run()` is in none of the files named beside it", "`Outer::Walk()` is in none of the files named beside it"])


class Fields(unittest.TestCase):
    def test_knows_the_fields_of_messages_within_messages(self):
        source = ('package a.v3;\nmessage Outer {  // string none = 9;\n  enum E { kA = 0; }\n  message Inner { b.Duration d = 1 [(r) = {x: "}"}]; }\n'
                  '  oneof kind {\n    option (required) = true;\n    Inner inner = 2;\n  }\n  map<string, google.Any> configs = 3;\n}\n')
        found = [(f.line, f.message, f.owner, f.kind, f.name) for f in fields.fields_of("p", source)]
        self.assertEqual(found, [(4, "a.v3.Outer.Inner", "a::v3::Outer_Inner", "Duration", "d"),
                                 (7, "a.v3.Outer", "a::v3::Outer", "Inner", "inner"),
                                 (9, "a.v3.Outer", "a::v3::Outer", "Any", "configs")])

    def test_a_message_that_nothing_holds_is_not_accepted(self):
        make = fields.Field
        all_fields = [make("p", 1, "a.Outer", "a::Outer", "Inner", "inner"), make("p", 2, "a.Inner", "a::Inner", "string", "x"),
                      make("p", 3, "a.Lonely", "a::Lonely", "string", "y")]
        names = [field.name for field in fields.accepted(all_fields, {("a::Outer", "inner")})]
        self.assertEqual(names, ["inner", "x"])
        self.assertTrue(all_fields[0].is_read({("a::Outer", "has_inner")}))
        self.assertFalse(all_fields[1].is_read({("a::Outer", "has_inner")}))


class Words(unittest.TestCase):
    def found(self, text):
        return any(pattern.search(text) for pattern, _ in texts.BANNED)

    def test_finds_what_is_unfinished_and_lets_the_rest_pass(self):
        for bad in ("// TO" "DO: later", "std::this_thread::sleep" "_for(1s)", "TEST(A, DIS" "ABLED_B)", "spr" "intf(b, f)"):
            self.assertTrue(self.found(bad), bad)
        for good in ("// TO" "DO(#12): later", "snprintf(b, n, f)", "a todo list"):
            self.assertFalse(self.found(good), good)


if __name__ == "__main__":
    unittest.main()
