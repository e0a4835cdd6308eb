#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace narthex {

// A blocking TCP connection of a test. Every wait is bounded; a read that gets nothing in time fails the
// test.
class Wire {
 public:
  explicit Wire(int fd);
  static Wire ConnectTo(uint16_t port);
  Wire(Wire&& other) noexcept;
  ~Wire();

  void Send(std::string_view bytes);
  // Each byte in a segment of its own.
  void SendByteByByte(std::string_view bytes);
  // Up to and including `end`; shorter when the peer closed before.
  std::string ReadUntil(std::string_view end);
  // Exactly so many bytes; fewer when the peer closed before.
  std::string ReadBytes(size_t count);
  // A response or request with its Content-Length body (or none).
  std::string ReadMessage();
  // Until the peer closes.
  std::string ReadAll();
  // Sends as much as the kernel takes without blocking; how much.
  size_t SendWithoutWaiting(std::string_view bytes);
  // Whether there is something to read, the peer's FIN included; waits for it so long.
  bool WaitForInput(int milliseconds);
  // Sends a FIN, and goes on reading.
  void ShutdownWrite();
  // Closes with RST.
  void Reset();
  void Close();

 private:
  bool Fill();
  int fd_;
  std::string read_;
};

// A TCP server whose connections, one after the other or at once, are each served by a function of the test
// in a thread of its own. Ends with the test: the destructor waits for all of them.
class ScriptedUpstream {
 public:
  explicit ScriptedUpstream(std::function<void(Wire& wire)> script);
  ~ScriptedUpstream();
  uint16_t port() const { return port_; }

 private:
  void Accept();

  std::function<void(Wire& wire)> script_;
  int fd_;
  uint16_t port_;
  std::thread acceptor_;
};

// An upstream that answers every request of every connection with 200 and `body`.
std::function<void(Wire& wire)> AnswerAlways(std::string body);

}  // namespace narthex
