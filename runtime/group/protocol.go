package group

import (
	"fmt"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/runtime/state"
)

// ProtocolType is the type of a group of workers, as brokers know it.
const ProtocolType = "connect"

// Protocol is a way to rebalance: Java's ConnectProtocolCompatibility, the
// setting connect.protocol.
type Protocol int16

const (
	// Eager stops all work at each rebalance.
	Eager Protocol = Protocol(state.ProtocolV0)
	// Compatible is incremental cooperative rebalancing (KIP-415).
	Compatible Protocol = Protocol(state.ProtocolV1)
	// Sessioned is Compatible with signed internal requests (KIP-507). The
	// default.
	Sessioned Protocol = Protocol(state.ProtocolV2)
)

// ParseProtocol returns the protocol with this name of the setting
// connect.protocol, in any case.
func ParseProtocol(name string) (Protocol, error) {
	for _, p := range []Protocol{Eager, Compatible, Sessioned} {
		if strings.EqualFold(name, p.String()) {
			return p, nil
		}
	}
	return 0, errs.New(errs.ClassIllegalArgument, "Unknown Connect protocol compatibility mode: %s", name).
		WithHint("connect.protocol takes eager, compatible or sessioned")
}

// protocolOf returns the protocol brokers know by this name.
func protocolOf(wireName string) (Protocol, error) {
	for _, p := range []Protocol{Eager, Compatible, Sessioned} {
		if p.WireName() == wireName {
			return p, nil
		}
	}
	return 0, fmt.Errorf("the group chose the protocol %q, which no version of Kafka Connect has", wireName)
}

// String is the name the setting connect.protocol has for it.
func (p Protocol) String() string {
	switch p {
	case Eager:
		return "eager"
	case Compatible:
		return "compatible"
	case Sessioned:
		return "sessioned"
	}
	return fmt.Sprintf("protocol %d", int16(p))
}

// WireName is the name brokers know it by.
func (p Protocol) WireName() string {
	if p == Eager {
		return "default"
	}
	return p.String()
}

// Version is the version of the bytes it exchanges.
func (p Protocol) Version() int16 { return int16(p) }

// offered returns the protocols a worker with this setting offers when it
// joins, the preferred one first.
func (p Protocol) offered() []Protocol {
	switch p {
	case Sessioned:
		return []Protocol{Sessioned, Compatible, Eager}
	case Compatible:
		return []Protocol{Compatible, Eager}
	}
	return []Protocol{Eager}
}
