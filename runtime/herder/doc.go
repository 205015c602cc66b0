// Package herder decides what a worker does: it turns what the group, the config
// topic, the clock and clients say into starts and stops of connectors and tasks.
//
// Core is that decision, pure: Step takes one event and returns actions, and time
// is part of the event. Herder is the thin driver around it: one goroutine that
// owns the Core, carries out its actions and runs clients' requests one after the
// other. Records never pass through here, and neither does any Kafka client.
//
// Behaviour follows org.apache.kafka.connect.runtime.distributed.DistributedHerder;
// a standalone or dev worker is the same herder in a group of one.
package herder
