package kafka

import (
	"maps"

	"github.com/twmb/franz-go/pkg/kgo"
)

// InternalClients are the options of the clients that read and write one of the worker's
// own topics.
type InternalClients struct {
	Brokers        string
	Reader, Writer []kgo.Opt
	// ReadCommitted says whether the reader leaves out what is not committed.
	ReadCommitted bool
}

// NewInternalClients makes the options of such clients from the worker's settings, of
// which those count that are a client's, with "client.id" replaced. readCommitted leaves
// out what open and aborted transactions wrote; it overrides isolation.level, which
// counts without it.
func NewInternalClients(props map[string]string, clientID string, readCommitted bool, env Env) (*InternalClients, error) {
	read := internalProps(props, clientID)
	delete(read, "group.id") // the worker's group is not a group of consumers
	delete(read, "group.instance.id")
	read["auto.offset.reset"], read["enable.auto.commit"], read["allow.auto.create.topics"] = "earliest", "false", "false"
	if readCommitted {
		read["isolation.level"] = "read_committed"
	}
	consumer, err := NewConsumer(read, env)
	if err != nil {
		return nil, err
	}
	write := internalProps(props, clientID)
	delete(write, "transactional.id")
	write["acks"], write["enable.idempotence"], write["max.in.flight.requests.per.connection"] = "all", "false", "1"
	write["delivery.timeout.ms"] = "2147483647"
	producer, err := NewProducer(write, env)
	if err != nil {
		return nil, err
	}
	return &InternalClients{Brokers: consumer.Brokers, Reader: consumer.Opts, Writer: producer.Opts, ReadCommitted: consumer.ReadCommitted}, nil
}

// LeaderOpts are the options of the transactional producer with which the leader of the
// group writes to the config topic (KafkaConfigBackingStore.fencableProducerProps).
func LeaderOpts(props map[string]string, clientID, transactionalID string, env Env) ([]kgo.Opt, error) {
	write := internalProps(props, clientID)
	write["acks"], write["enable.idempotence"], write["max.in.flight.requests.per.connection"] = "all", "true", "5"
	write["delivery.timeout.ms"], write["transactional.id"] = "2147483647", transactionalID
	p, err := NewProducer(write, env)
	if err != nil {
		return nil, err
	}
	return p.Opts, nil
}

func internalProps(props map[string]string, clientID string) map[string]string {
	m := maps.Clone(props)
	if m == nil {
		m = map[string]string{}
	}
	m["client.id"] = clientID
	return m
}
