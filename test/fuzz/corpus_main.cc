// The main function of a NAME_corpus_test: feeds each file named on the command line, and mutations of it
// that are the same in every run, to LLVMFuzzerTestOneInput.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kMutationsPerFile = 200;

void Run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

// Changes 1 to 4 places: a byte, a missing or a repeated piece, or a piece of another file.
std::string Mutate(std::string input, const std::string& other, std::mt19937& random) {
  for (uint32_t changes = 1 + random() % 4; changes > 0 && !input.empty(); --changes) {
    size_t at = random() % input.size();
    size_t length = std::min<size_t>(1 + random() % 16, input.size() - at);
    switch (random() % 4) {
      case 0:
        input[at] = static_cast<char>(random());
        break;
      case 1:
        input.erase(at, length);
        break;
      case 2:
        input.insert(at, input.substr(at, length));
        break;
      default:
        if (!other.empty()) input.insert(at, other.substr(random() % other.size(), length));
        break;
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> inputs;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read %s\n", argv[i]);
      return 1;
    }
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "the corpus is empty\n");
    return 1;
  }
  std::mt19937 random(1);
  for (size_t i = 0; i < inputs.size(); ++i) {
    Run(inputs[i]);
    for (int n = 0; n < kMutationsPerFile; ++n)
      Run(Mutate(inputs[i], inputs[random() % inputs.size()], random));
  }
  std::printf("%zu files, %d mutations of each\n", inputs.size(), kMutationsPerFile);
  return 0;
}
