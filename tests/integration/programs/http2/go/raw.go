package main

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// Messages are bytes: there is nothing in them that a test needs to read.
type raw struct{}

var _ encoding.CodecV2 = raw{}

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// What is sent as content-type: "application/grpc" alone.
func (raw) Name() string { return "" }
