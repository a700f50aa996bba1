package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func sentMetadata(batch fields, id int) context.Context {
	all := metadata.MD{}
	if batch.number("bare", 0) == 0 {
		all.Set("x-id", strconv.Itoa(id))
		all.Set("x-reply", batch["reply"])
	}
	if n := batch.number("metadata", 0); n > 0 {
		all.Set("x-fill", strings.Repeat("m", n))
	}
	if batch.number("trace", 0) == 1 {
		all.Set("traceparent", fmt.Sprintf("00-7e57%028x-%016x-01", id, id+1))
	}
	return metadata.NewOutgoingContext(context.Background(), all)
}

type clientCall struct {
	tally
	stream grpc.ClientStream
	batch  fields
	id     int
}

// Unary and server-streaming calls send one message; the others `messages`, with a pause in between.
func (c *clientCall) send(streams bool) error {
	n := 1
	if streams {
		n = c.batch.number("messages", 1)
	}
	for i := 0; i < n; i++ {
		if i > 0 && c.batch.ms("pause") > 0 {
			time.Sleep(c.batch.ms("pause"))
		}
		message := make([]byte, c.batch.number("size", 100)+c.batch.number("step", 0)*c.id)
		if err := c.stream.SendMsg(&message); err != nil {
			return err // io.EOF: RecvMsg has the status
		}
		c.sentMessages++
		c.sentBytes += len(message)
	}
	return c.stream.CloseSend()
}

func (c *clientCall) receive(streams bool) error {
	for once := true; once || streams; once = false {
		var message []byte
		if err := c.stream.RecvMsg(&message); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		c.receivedMessages++
		c.receivedBytes += len(message)
	}
	return nil
}

func grpcCaller(address string, log *truthLog, options fields) func(fields, int) bool {
	dial := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(
		grpc.ForceCodecV2(raw{}), grpc.MaxCallRecvMsgSize(mostBytes), grpc.MaxCallSendMsgSize(mostBytes)), grpc.WithMaxHeaderListSize(1 << 20)}
	if after := options.ms("keepalive"); after > 0 { // less than 10 s is taken for 10 s
		dial = append(dial, grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: after}))
	}
	channel, err := grpc.NewClient("passthrough:///"+address, dial...)
	if err != nil {
		panic(err)
	}
	return func(batch fields, id int) bool {
		ctx, cancel := context.WithCancel(sentMetadata(batch, id))
		defer cancel()
		if after := batch.ms("deadline"); after > 0 {
			ctx, cancel = context.WithTimeout(ctx, after)
			defer cancel()
		}
		if after := batch.ms("cancel"); after > 0 {
			timer := time.AfterFunc(after, cancel)
			defer timer.Stop()
		}
		name := batch["method"]
		kind := grpc.StreamDesc{ClientStreams: name == "ClientStream" || name == "Bidi", ServerStreams: name == "ServerStream" || name == "Bidi"}
		path := "/wirespan.test.Truth/" + name
		start := time.Now()
		call := clientCall{batch: batch, id: id}
		var err error
		if call.stream, err = channel.NewStream(ctx, &kind, path); err == nil {
			sent := make(chan struct{})
			go func() { call.send(kind.ClientStreams); close(sent) }()
			err = call.receive(kind.ServerStreams)
			took := ms(start)
			cancel() // for a sender that is still at it
			<-sent
			call.write(log, path, start, took, err)
		} else {
			call.write(log, path, start, ms(start), err)
		}
		return status.Code(err) == 0
	}
}

func (c *clientCall) write(log *truthLog, path string, start time.Time, took float64, err error) {
	if c.batch.number("log", 1) == 0 {
		return
	}
	entry := map[string]any{"id": c.id, "method": path[1:], "status": int(status.Code(err)), "text": status.Convert(err).Message(),
		"start_ns": start.UnixNano(), "ms": took}
	c.into(entry)
	log.write(entry)
}
