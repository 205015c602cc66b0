"""Writes records with confluent-kafka's serializers, or reads them with its deserializers.

serdes.py write|read BOOTSTRAP REGISTRY < cases.json

cases.json is a list of {"name", "topic", "format", "schema", "references", "value"}. value
is an expression of Python; for Protobuf, schema is a list of FileDescriptorProto in JSON,
of which the last has the message, and value is the message in JSON. read prints a line
for each record that is not the value of its case.
"""

import datetime
import decimal
import json
import sys
import uuid

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

TYPES = {"AVRO": (AvroSerializer, AvroDeserializer), "JSON": (JSONSerializer, JSONDeserializer)}


def message_class(case):
    pool = descriptor_pool.Default()
    for document in case["schema"]:
        file = json_format.ParseDict(document, descriptor_pb2.FileDescriptorProto())
        descriptor = pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(next(iter(descriptor.message_types_by_name.values())))


def schema(case):
    references = [SchemaReference(r["name"], r["subject"], r["version"]) for r in case.get("references") or []]
    return Schema(json.dumps(case["schema"]), case["format"], references)


def value(case):
    if case["format"] == "PROTOBUF":
        return json_format.ParseDict(json.loads(case["value"]), case["class"]())
    return eval(case["value"], {"datetime": datetime, "decimal": decimal, "uuid": uuid})


def write(cases, bootstrap, registry):
    producer = Producer({"bootstrap.servers": bootstrap})
    for case in cases:
        if case["format"] == "PROTOBUF":
            serializer = ProtobufSerializer(case["class"], registry, {"use.deprecated.format": False})
        else:
            serializer = TYPES[case["format"]][0](registry, schema(case)) if case["format"] == "AVRO" else JSONSerializer(schema(case), registry)
        data = serializer(value(case), SerializationContext(case["topic"], MessageField.VALUE))
        producer.produce(case["topic"], value=data)
    if producer.flush(30):
        sys.exit("not all records were written")


def read(cases, bootstrap, registry):
    for case in cases:
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": str(uuid.uuid4()), "auto.offset.reset": "earliest"})
        consumer.subscribe([case["topic"]])
        message = consumer.poll(30)
        if message is None or message.error():
            sys.exit(f"{case['name']}: nothing to read: {message and message.error()}")
        consumer.close()
        if case["format"] == "PROTOBUF":
            deserializer = ProtobufDeserializer(case["class"], {"use.deprecated.format": False})
        elif case["format"] == "AVRO":
            deserializer = AvroDeserializer(registry)
        else:
            deserializer = JSONDeserializer(None, schema_registry_client=registry)
        got = deserializer(message.value(), SerializationContext(case["topic"], MessageField.VALUE))
        if got != value(case):
            print(f"{case['name']}: read {got!r}, want {value(case)!r}")


mode, bootstrap, url = sys.argv[1:]
cases = json.load(sys.stdin)
for c in cases:
    if c["format"] == "PROTOBUF":
        c["class"] = message_class(c)
{"write": write, "read": read}[mode](cases, bootstrap, SchemaRegistryClient({"url": url}))
