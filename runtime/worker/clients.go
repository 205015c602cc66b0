package worker

import (
	"maps"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// Prefixes of client settings in worker and connector configurations.
const (
	producerOverride = "producer.override."
	consumerOverride = "consumer.override."
	adminOverride    = "admin.override."
)

// consumerGroup is the group of a sink connector's tasks (SinkUtils.consumerGroupId).
func consumerGroup(connector string) string { return "connect-" + connector }

// transactionalID is that of a source task's producer (Worker.taskTransactionalId).
func (w *Worker) transactionalID(connector string, task int) string {
	return w.o.GroupID + "-" + connector + "-" + strconv.Itoa(task)
}

func withPrefix(props map[string]string, prefix string) map[string]string {
	out := map[string]string{}
	for k, v := range props {
		if rest, ok := strings.CutPrefix(k, prefix); ok && rest != "" {
			out[rest] = v
		}
	}
	return out
}

// overrides returns a connector's client settings, if the worker's policy allows them.
func (w *Worker) overrides(config map[string]string, prefix string) (map[string]string, error) {
	o := withPrefix(config, prefix)
	if err := w.o.OverridePolicy(prefix, o); err != nil {
		return nil, errs.Wrap(errs.ClassConnect, err, "Client Config Overrides not allowed "+err.Error())
	}
	return o, nil
}

// producerProps are the settings of a source task's producer, in Java's keys
// (Worker.baseProducerConfigs).
func (w *Worker) producerProps(config map[string]string, clientID string) (map[string]string, error) {
	props := map[string]string{
		"bootstrap.servers":                     w.o.Bootstrap,
		"max.block.ms":                          "9223372036854775807",
		"enable.idempotence":                    "false",
		"acks":                                  "all",
		"max.in.flight.requests.per.connection": "1",
		"delivery.timeout.ms":                   "2147483647",
		"client.id":                             clientID,
	}
	maps.Copy(props, withPrefix(w.o.Props, "producer."))
	o, err := w.overrides(config, producerOverride)
	if err != nil {
		return nil, err
	}
	maps.Copy(props, o)
	return props, nil
}

// exactlyOnceProducerProps are those of a task whose records and offsets go in
// transactions (Worker.exactlyOnceSourceTaskProducerConfigs).
func (w *Worker) exactlyOnceProducerProps(config map[string]string, connector string, task int, clientID string) (map[string]string, error) {
	props, err := w.producerProps(config, clientID)
	if err != nil {
		return nil, err
	}
	_, byConnector := config[producerOverride+"enable.idempotence"]
	_, byWorker := w.o.Props["producer.enable.idempotence"]
	if v := props["enable.idempotence"]; (byConnector || byWorker) && v != "true" {
		w.o.Logger.Warn("enable.idempotence must be true for exactly-once sources", "connector", connector, "ignored", v)
	}
	props["enable.idempotence"] = "true"
	id := w.transactionalID(connector, task)
	if v, ok := props["transactional.id"]; ok && v != id {
		w.o.Logger.Warn("transactional.id is set by the worker for exactly-once sources", "connector", connector, "ignored", v)
	}
	props["transactional.id"] = id
	return props, nil
}

// consumerProps are the settings of a sink task's consumer (Worker.baseConsumerConfigs).
func (w *Worker) consumerProps(connector string, config map[string]string, clientID string) (map[string]string, error) {
	props := map[string]string{
		"group.id":           consumerGroup(connector),
		"client.id":          clientID,
		"bootstrap.servers":  w.o.Bootstrap,
		"enable.auto.commit": "false",
		"auto.offset.reset":  "earliest",
	}
	maps.Copy(props, withPrefix(w.o.Props, "consumer."))
	o, err := w.overrides(config, consumerOverride)
	if err != nil {
		return nil, err
	}
	maps.Copy(props, o)
	return props, nil
}

// adminProps are the settings of a connector's admin client (Worker.adminConfigs).
func (w *Worker) adminProps(config map[string]string, clientID string) (map[string]string, error) {
	props := map[string]string{"bootstrap.servers": w.o.Bootstrap, "client.id": clientID}
	for k, v := range w.o.Props {
		if !strings.HasPrefix(k, "admin.") && !strings.HasPrefix(k, "producer.") && !strings.HasPrefix(k, "consumer.") {
			props[k] = v
		}
	}
	props["client.id"] = clientID
	maps.Copy(props, withPrefix(w.o.Props, "admin."))
	o, err := w.overrides(config, adminOverride)
	if err != nil {
		return nil, err
	}
	maps.Copy(props, o)
	return props, nil
}
