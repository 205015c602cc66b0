package worker

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/runtime/kafka"
)

// Keys of a sink's partitions and offsets in the REST API (KIP-875).
const (
	topicKey     = "kafka_topic"
	partitionKey = "kafka_partition"
	offsetKey    = "kafka_offset"

	// modifyTimeout bounds a change of offsets (RestServer.DEFAULT_REST_REQUEST_TIMEOUT_MS).
	modifyTimeout = 90 * time.Second
)

// offsetReader reads one connector's offsets.
type offsetReader struct {
	store interface {
		Offsets(ctx context.Context, connector string, partitions []*schema.MapValue) ([]*schema.MapValue, error)
	}
	connector string
}

// Offsets implements connect.OffsetReader.
func (r offsetReader) Offsets(ctx context.Context, partitions []*schema.MapValue) ([]*schema.MapValue, error) {
	return r.store.Offsets(ctx, r.connector, partitions)
}

// Offsets returns a connector's offsets.
func (w *Worker) Offsets(ctx context.Context, name string, config map[string]string) ([]connect.PartitionOffset, error) {
	source, err := w.IsSource(config)
	if err != nil {
		return nil, err
	}
	if source {
		store, release, err := w.offsetStore(ctx, name, config)
		if err != nil {
			return nil, err
		}
		defer release()
		return store.All(ctx, name)
	}
	var committed map[connect.TopicPartition]int64
	err = w.withGroup(ctx, name, config, func(admin *kafka.Admin, group string) (err error) {
		committed, err = admin.GroupOffsets(ctx, group)
		return err
	})
	if err != nil {
		return nil, errs.Wrap(errs.ClassConnect, err, "Failed to retrieve consumer group offsets for sink connector %s", name)
	}
	out := []connect.PartitionOffset{}
	for tp, offset := range committed {
		p, o := schema.NewMap(2), schema.NewMap(1)
		p.PutString(topicKey, schema.OfString(tp.Topic))
		p.PutString(partitionKey, schema.OfInt32(tp.Partition))
		o.PutString(offsetKey, schema.OfInt64(offset))
		out = append(out, connect.PartitionOffset{Partition: p, Offset: o})
	}
	return out, nil
}

// withGroup runs something with an admin client and the connector's consumer group.
func (w *Worker) withGroup(ctx context.Context, name string, config map[string]string, run func(*kafka.Admin, string) error) error {
	consumer, err := w.consumerProps(name, config, "connector-consumer-")
	if err != nil {
		return err
	}
	admin, err := w.admin(config, "connector-worker-adminclient-"+name)
	if err != nil {
		return err
	}
	defer admin.Close()
	return run(admin, consumer["group.id"])
}

// ModifyOffsets alters a stopped connector's offsets or, with nil, resets them.
func (w *Worker) ModifyOffsets(ctx context.Context, name string, config map[string]string, offsets []connect.PartitionOffset) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, modifyTimeout)
	defer cancel()
	p, err := w.o.Plugins.FindConnector(config["connector.class"])
	if err != nil {
		return "", err
	}
	instance, err := p.NewConnector()
	if err != nil {
		return "", err
	}
	var known bool
	kind := "source"
	if _, ok := instance.(connect.SourceConnector); ok {
		known, err = w.modifySource(ctx, name, config, instance, offsets)
	} else {
		kind = "sink"
		known, err = w.modifySink(ctx, name, config, instance, offsets)
	}
	if err != nil {
		var labelled *errs.Error
		if errors.As(err, &labelled) && connectException(labelled.Class) {
			return "", err
		}
		return "", errs.Wrap(errs.ClassConnect, err, "Failed to modify offsets for %s connector %s", kind, name)
	}
	done := "altered"
	if offsets == nil {
		done = "reset"
	}
	if known {
		return "The offsets for this connector have been " + done + " successfully", nil
	}
	return "The Connect framework-managed offsets for this connector have been " + done + " successfully. " +
		"However, if this connector manages offsets externally, they will need to be manually " + done + " in the system that the connector uses.", nil
}

// connectException says whether a class is ConnectException or one of its subclasses,
// which reach clients as they are.
func connectException(class string) bool {
	switch class {
	case errs.ClassConnect, errs.ClassData, errs.ClassRetriable, errs.ClassBadRequest, errs.ClassNotFound, errs.ClassAlreadyExists:
		return true
	}
	return false
}

func (w *Worker) modifySource(ctx context.Context, name string, config map[string]string, instance connect.Connector, offsets []connect.PartitionOffset) (known bool, err error) {
	store, release, err := w.offsetStore(ctx, name, config)
	if err != nil {
		return false, err
	}
	defer release()
	write := offsets
	if offsets == nil {
		present, err := store.All(ctx, name)
		if err != nil {
			return false, err
		}
		for _, o := range present {
			write = append(write, connect.PartitionOffset{Partition: o.Partition})
		}
	}
	if a, ok := instance.(connect.OffsetAlterer); ok {
		if known, err = a.AlterOffsets(ctx, config, write); err != nil {
			return false, err
		}
	}
	if len(write) == 0 {
		return known, nil
	}
	if !w.o.ExactlyOnce {
		return known, store.Set(ctx, name, write)
	}
	records, err := store.Records(name, write)
	if err != nil {
		return false, err
	}
	mirror, mirrored := store.(offsetMirror)
	if mirrored {
		if err := mirror.Prepare(ctx, name, write); err != nil {
			return false, err
		}
	}
	err = w.setInTransaction(ctx, name, config, store.Topic(), records)
	if err == nil && mirrored {
		mirror.Committed(name, write)
	}
	return known, err
}

func (w *Worker) modifySink(ctx context.Context, name string, config map[string]string, instance connect.Connector, offsets []connect.PartitionOffset) (known bool, err error) {
	write, err := sinkOffsets(offsets)
	if err != nil {
		return false, err
	}
	err = w.withGroup(ctx, name, config, func(admin *kafka.Admin, group string) error {
		if offsets == nil {
			present, err := admin.GroupOffsets(ctx, group)
			if err != nil {
				return errs.Wrap(errs.ClassConnect, err, "Failed to list offsets prior to resetting offsets for sink connector %s", name)
			}
			for tp := range present {
				write[tp] = resetOffset
			}
		}
		if a, ok := instance.(connect.SinkOffsetAlterer); ok {
			if known, err = a.AlterSinkOffsets(ctx, config, write); err != nil {
				return err
			}
		}
		if offsets == nil {
			return resetGroup(ctx, admin, name, group)
		}
		return alterGroup(ctx, admin, name, group, write)
	})
	return known, err
}

const zombieHint = "haven't stopped completely yet or the connector was resumed before the request to %s its offsets could be successfully " +
	"completed. If the connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the " +
	"Connect cluster may need to be restarted to get rid of the zombie sink tasks."

func resetGroup(ctx context.Context, admin *kafka.Admin, name, group string) error {
	err := admin.DeleteGroup(ctx, group)
	switch {
	case err == nil || kafka.GroupNotFound(err):
		return nil
	case kafka.GroupInUse(err):
		return errs.Wrap(errs.ClassConnect, err, "Failed to reset consumer group offsets for connector %s either because its tasks "+zombieHint, name, "reset")
	}
	return errs.Wrap(errs.ClassConnect, err, "Failed to reset consumer group offsets for sink connector %s", name)
}

func alterGroup(ctx context.Context, admin *kafka.Admin, name, group string, offsets map[connect.TopicPartition]int64) error {
	alter := map[connect.TopicPartition]int64{}
	var reset []connect.TopicPartition
	for tp, o := range offsets {
		if o == resetOffset {
			reset = append(reset, tp)
			continue
		}
		if o < 0 {
			// Java's OffsetAndMetadata refuses it, outside of any ConnectException.
			return errs.IllegalArgument("Invalid negative offset")
		}
		alter[tp] = o
	}
	var err error
	if len(alter) > 0 {
		err = admin.AlterGroupOffsets(ctx, group, alter)
	}
	if err == nil && len(reset) > 0 {
		err = admin.DeleteGroupOffsets(ctx, group, reset)
	}
	switch {
	case err == nil:
		return nil
	case kafka.GroupInUse(err):
		return errs.Wrap(errs.ClassConnect, err, "Failed to alter consumer group offsets for connector %s either because its tasks "+zombieHint, name, "alter")
	}
	return errs.Wrap(errs.ClassConnect, err, "Failed to alter consumer group offsets for connector %s", name)
}

// resetOffset stands for a null offset: the partition's is deleted.
const resetOffset int64 = -1 << 62

// sinkOffsets reads a sink's partitions and offsets as a client gives them; numbers
// may be given as strings (SinkUtils.parseSinkConnectorOffsets).
func sinkOffsets(offsets []connect.PartitionOffset) (map[connect.TopicPartition]int64, error) {
	bad := func(format string, args ...any) error { return errs.New(errs.ClassBadRequest, format, args...) }
	out := map[connect.TopicPartition]int64{}
	for _, o := range offsets {
		if o.Partition == nil {
			return nil, bad("The partition for a sink connector offset cannot be null or missing")
		}
		topic, hasTopic := o.Partition.GetString(topicKey)
		partition, hasPartition := o.Partition.GetString(partitionKey)
		if !hasTopic || !hasPartition {
			return nil, bad("The partition for a sink connector offset must contain the keys '%s' and '%s'", topicKey, partitionKey)
		}
		if topic.IsNull() {
			return nil, bad("Kafka topic names must be valid strings and may not be null")
		}
		if partition.IsNull() {
			return nil, bad("Kafka partitions must be valid numbers and may not be null")
		}
		number, err := strconv.ParseInt(partition.Text(), 10, 32)
		if err != nil {
			return nil, bad("Failed to parse the following Kafka partition value in the provided offsets: '%s'. Partition values for sink connectors need to be integers.", partition.Text())
		}
		tp := connect.TopicPartition{Topic: topic.Text(), Partition: int32(number)}
		if o.Offset == nil {
			out[tp] = resetOffset
			continue
		}
		offset, ok := o.Offset.GetString(offsetKey)
		if !ok {
			return nil, bad("The offset for a sink connector should either be null or contain the key '%s'", offsetKey)
		}
		if out[tp], err = strconv.ParseInt(offset.Text(), 10, 64); err != nil {
			return nil, bad("Failed to parse the following Kafka offset value in the provided offsets: '%s'. Offset values for sink connectors need to be integers.", offset.Text())
		}
	}
	return out, nil
}
