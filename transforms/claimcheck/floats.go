package claimcheck

import (
	"math"

	"github.com/moldau-io/moldau/connect/schema"
)

func float32Bits(v schema.Value) uint32 { return math.Float32bits(v.Float32()) }

func float64Bits(v schema.Value) uint64 { return math.Float64bits(v.Float64()) }

func ofFloat32Bits(b uint32) schema.Value { return schema.OfFloat32(math.Float32frombits(b)) }

func ofFloat64Bits(b uint64) schema.Value { return schema.OfFloat64(math.Float64frombits(b)) }
