#include "test/bench/client.h"

#include <fcntl.h>

#include "test/bench/http1_client.h"
#include "test/bench/http2_client.h"
#include "test/bench/socket.h"

namespace narthex {

void Client::Open() {
  ready_ = false;
  opened_at_ = Tally::Clock::now();
  int fd = ConnectToLoopback(context_.options.port, /*blocking=*/true);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) Die("fcntl");
  transport_ = context_.tls ? context_.tls->Connect(fd, session_) : MakePlainTransport(fd);
  Watch(context_.epoll, fd, this);
  Shake();  // when it fails, the event that says so finds it failed again
}

void Client::OnEvent() {
  if (!ready_) {
    switch (Shake()) {
      case Transport::Progress::kWaiting:
        return;
      case Transport::Progress::kDone:
        break;
      case Transport::Progress::kFailed:
        context_.tally.Failed("handshake");
        session_.reset();  // a ticket that was refused would be refused again
        return Open();
    }
  }
  if (Take()) return;
  context_.tally.Failed("connection ended or was of no more use");
  Open();
}

void Client::Renew() {
  transport_->End();
  Open();
}

Transport::Progress Client::Shake() {
  Transport::Progress progress = transport_->Handshake();
  if (progress != Transport::Progress::kDone) return progress;
  ready_ = true;
  if (context_.tls) context_.tally.Agreed(transport_->Agreed());
  Begin();
  return progress;
}

std::unique_ptr<Client> MakeClient(LoadContext& context) {
  if (context.options.protocol == Protocol::kHttp1) return std::make_unique<Http1Client>(context);
  return std::make_unique<Http2Client>(context);
}

}  // namespace narthex
