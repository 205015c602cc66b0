"""Uses a Kafka broker as clients of librdkafka do, and fails where it does not answer as Kafka does.

usage: clients.py BOOTSTRAP TOPIC GROUP PROTOCOL
PROTOCOL is the group's: classic or consumer.
"""
import sys
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

bootstrap, topic, group, protocol = sys.argv[1:]
base = {"bootstrap.servers": bootstrap}
members = {"group.protocol": protocol}
if protocol == "classic":
    members["partition.assignment.strategy"] = "cooperative-sticky"
admin = AdminClient(base)


def check(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got!r}, want {want!r}")


def done(futures):
    return {name: future.result(30) for name, future in futures.items()}


def produce(values, **settings):
    """Writes values, transactionally if there is a transactional.id, which aborts those that begin with !."""
    failed = []
    producer = Producer({**base, "acks": "all", **settings})
    transactional = "transactional.id" in settings
    if transactional:
        producer.init_transactions(30)
        producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, key=value[:2], headers={"n": b"\x00\xff"}, on_delivery=lambda e, _: e and failed.append(e))
    check("records not flushed", producer.flush(30), 0)
    if transactional and values[0].startswith("!"):
        producer.abort_transaction(30)
    elif transactional:
        producer.commit_transaction(30)
    check("failed records", failed, [])


def consume(want, size, **settings):
    """Reads with a group until its members have got that many records and a partition each, commits and leaves."""
    consumers = [Consumer({**base, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, **members, **settings}) for _ in range(size)]
    for consumer in consumers:
        consumer.subscribe([topic])
    out, deadline = {}, time.monotonic() + 40
    while len(out) < want or not all(c.assignment() for c in consumers):
        if time.monotonic() > deadline:
            sys.exit(f"{len(out)} of {want} records for {size} members, assigned: {[c.assignment() for c in consumers]}")
        for consumer in consumers:
            message = consumer.poll(0.1)
            if message is None:
                continue
            check("a message's error", message.error(), None)
            check("a message's headers", message.headers(), [("n", b"\x00\xff")])
            out[message.partition(), message.offset()] = message.value().decode()
    ends = {}
    for partition, offset in out:
        ends[partition] = max(ends.get(partition, 0), offset + 1)
    consumers[0].commit(offsets=[TopicPartition(topic, p, o) for p, o in ends.items()], asynchronous=False)
    for consumer in consumers:
        consumer.close()
    return sorted(out.values())


done(admin.create_topics([NewTopic(topic, 2, 1, config={"retention.ms": "86400000"})], request_timeout=30))
check("partitions", len(admin.list_topics(topic, timeout=30).topics[topic].partitions), 2)
done(admin.create_partitions([NewPartitions(topic, 3)]))

first = [f"{i:02d} – {codec}" for i, codec in enumerate(["none", "gzip", "snappy", "lz4", "zstd"] * 8)]
for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
    produce([v for v in first if v.endswith(codec)], **{"compression.type": codec, "enable.idempotence": True})
check("read by two members", consume(len(first), 2), first)

produce(["!0", "!1"], **{"transactional.id": group})
second = ["20 committed", "21 committed"]
produce(second, **{"transactional.id": group})
check("read after the commit", consume(len(second), 1, **{"isolation.level": "read_committed"}), second)

groups = {g.group_id: str(g.state).rsplit(".", 1)[-1] for g in admin.list_consumer_groups(request_timeout=30).result().valid}
check("the group's state", groups.get(group), "EMPTY")
offsets = done(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))[group].topic_partitions
at = sum(p.offset for p in offsets if p.offset > 0)
probe = Consumer({**base, "group.id": group + "-none"})
end = sum(probe.get_watermark_offsets(TopicPartition(topic, p), timeout=30)[1] for p in range(3))
probe.close()
# A marker ends each transaction on each of its partitions, behind the records.
if not len(first) + len(second) <= at <= end:
    sys.exit(f"the group is at {at} of {end}")
done(admin.delete_consumer_groups([group]))
if group in {g.group_id for g in admin.list_consumer_groups(request_timeout=30).result().valid}:
    sys.exit("the group is still there")
done(admin.delete_topics([topic], request_timeout=30))
print("ok")
