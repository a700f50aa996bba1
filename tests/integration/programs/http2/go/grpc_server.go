package main

import (
	"context"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const mostBytes = 64 << 20

// What one call did at this end.
type tally struct {
	receivedMessages, receivedBytes, sentMessages, sentBytes int
}

func (t *tally) into(entry map[string]any) {
	entry["received_messages"], entry["received_bytes"] = t.receivedMessages, t.receivedBytes
	entry["sent_messages"], entry["sent_bytes"] = t.sentMessages, t.sentBytes
}

type serverCall struct {
	tally
	stream grpc.ServerStream
	reply  fields
}

func (c *serverCall) receive() error {
	var message []byte
	if err := c.stream.RecvMsg(&message); err != nil {
		return err
	}
	c.receivedMessages++
	c.receivedBytes += len(message)
	return nil
}

func (c *serverCall) send() error {
	message := make([]byte, c.reply.number("size", 100))
	if err := c.stream.SendMsg(&message); err != nil {
		return err
	}
	c.sentMessages++
	c.sentBytes += len(message)
	return nil
}

func (c *serverCall) wait(name string) error {
	select {
	case <-time.After(c.reply.ms(name)):
		return nil
	case <-c.stream.Context().Done():
		return status.FromContextError(context.Cause(c.stream.Context())).Err()
	}
}

func (c *serverCall) end() error {
	if n := c.reply.number("trailers", 0); n > 0 {
		c.stream.SetTrailer(metadata.Pairs("x-fill", strings.Repeat("t", n)))
	}
	if code := c.reply.number("status", 0); code != 0 {
		return status.Error(codes.Code(code), c.reply["text"]+" ü%")
	}
	return nil
}

// Answers as the x-reply header says.
func (c *serverCall) run(method string) error {
	if c.reply.number("early", 0) == 1 {
		return c.end()
	}
	bidi := method == "Bidi"
	if !bidi { // one message, or all of them
		for {
			err := c.receive()
			if err == io.EOF {
				break
			} else if err != nil {
				return err
			}
		}
	}
	if err := c.wait("delay"); err != nil {
		return err
	}
	if n := c.reply.number("metadata", 0); n > 0 {
		c.stream.SetHeader(metadata.Pairs("x-fill", strings.Repeat("m", n)))
	}
	for i, n := 0, c.reply.number("messages", 1); bidi || i < n; i++ {
		if bidi {
			if err := c.receive(); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
		} else if i > 0 {
			if err := c.wait("pause"); err != nil {
				return err
			}
		}
		if err := c.send(); err != nil {
			return err
		}
	}
	return c.end()
}

func serveGrpc(address string, log *truthLog, options fields) {
	// Any method: which ones stream is not written into the protocol.
	handle := func(_ any, stream grpc.ServerStream) error {
		start := time.Now()
		path, _ := grpc.MethodFromServerStream(stream)
		sent, _ := metadata.FromIncomingContext(stream.Context())
		value := func(name string) string {
			if all := sent.Get(name); len(all) > 0 {
				return all[0]
			}
			return ""
		}
		call := serverCall{stream: stream, reply: parseFields(value("x-reply"), ",")}
		err := call.run(path[strings.LastIndex(path, "/")+1:])
		if id := value("x-id"); id != "" {
			entry := map[string]any{"id": id, "method": path[1:], "status": int(status.Code(err)), "ms": ms(start)}
			call.into(entry)
			log.write(entry)
		}
		return err
	}
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		panic(err)
	}
	// 0: never (pings: each 2 hours).
	pings := keepalive.ServerParameters{MaxConnectionAge: options.ms("age"), MaxConnectionAgeGrace: options.ms("grace"),
		Time: time.Duration(options.number("keepalive", 1000)) * time.Millisecond}
	server := grpc.NewServer(grpc.UnknownServiceHandler(handle), grpc.ForceServerCodecV2(raw{}), grpc.MaxRecvMsgSize(mostBytes),
		grpc.MaxSendMsgSize(mostBytes), grpc.KeepaliveParams(pings),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Millisecond, PermitWithoutStream: true}))
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	go func() {
		<-terminated
		server.GracefulStop()
	}()
	server.Serve(listener)
}
