"""The checks tell good from bad."""
import unittest

from checks import layers, sizes, texts


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
