import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;

import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.runtime.ConnectMetrics;
import org.apache.kafka.connect.runtime.ConnectorConfig;
import org.apache.kafka.connect.runtime.TransformationStage;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.util.ConnectorTaskId;
import org.apache.kafka.common.record.TimestampType;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.FileOutputStream;
import java.io.FileDescriptor;
import java.io.File;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Answers cases with what Apache Kafka Connect's own classes do: a case a line on
 * standard input, {"id","config","record"} for transforms and
 * {"id","class","method","config","isKey","input"} for converters, and
 * {"id","result"} a line on standard output, in the notation of the vectors.
 */
public class Oracle {
    static final JsonNodeFactory N = JsonNodeFactory.withExactBigDecimals(true);
    static final ObjectMapper M = JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
        .enable(JsonWriteFeature.ESCAPE_NON_ASCII).nodeFactory(N).build();
    /** The answer to a case that cannot be read. */
    static final ObjectNode INVALID = N.objectNode().put("invalid", true);
    static final JsonConverter ENV = new JsonConverter();

    final Plugins plugins;
    final ConnectMetrics metrics;

    Oracle(String folder) {
        Map<String, String> worker = Map.of("bootstrap.servers", "localhost:1", "plugin.discovery", "only_scan",
            "key.converter", "org.apache.kafka.connect.json.JsonConverter", "value.converter", "org.apache.kafka.connect.json.JsonConverter",
            "offset.storage.file.filename", new File(folder, "offsets").getPath());
        plugins = new Plugins(worker);
        Thread.currentThread().setContextClassLoader(plugins.delegatingLoader()); // it knows short class names
        metrics = new ConnectMetrics("w", new StandaloneConfig(worker), Time.SYSTEM, "cluster");
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        System.setOut(System.err); // what the classes print must not come between
        ENV.configure(Map.of("schemas.enable", "true", "replace.null.with.default", "false", "decimal.format", "BASE64",
            "schemas.cache.size", "0"), false); // a cached schema may have its parameters in another order
        Oracle oracle = new Oracle(args[0]);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonNode c = M.readTree(line);
            ObjectNode answer = N.objectNode();
            answer.set("id", c.get("id"));
            answer.set("result", c.has("class") ? oracle.convert(c) : oracle.transform(c));
            String text;
            try {
                text = M.writeValueAsString(answer);
            } catch (StreamConstraintsException e) { // nested too deep to be written
                answer.set("result", N.objectNode().put("ok", true));
                text = M.writeValueAsString(answer);
            }
            out.println(text);
        }
        out.flush();
        System.exit(0);
    }

    static Map<String, String> texts(JsonNode config) {
        Map<String, String> m = new HashMap<>();
        config.fields().forEachRemaining(e -> m.put(e.getKey(), e.getValue().isNull() ? null : e.getValue().asText()));
        return m;
    }

    // Transforms.

    ObjectNode transform(JsonNode c) throws Exception {
        ObjectNode result = N.objectNode();
        Map<String, String> config = texts(c.get("config"));
        config.putIfAbsent("name", "c");
        config.putIfAbsent("connector.class", "org.apache.kafka.connect.file.FileStreamSourceConnector");
        JsonNode r = c.get("record");
        ConnectRecord<?> record;
        try {
            record = "sink".equals(r.get("kind").asText()) ? sinkRecord(r) : sourceRecord(r);
        } catch (Exception e) {
            return INVALID;
        }
        ConnectorConfig parsed;
        try {
            parsed = new ConnectorConfig(plugins, config);
        } catch (Throwable e) {
            ObjectNode error = error(e);
            error.put("phase", "validate");
            result.set("configError", error);
            return result;
        }
        return apply(parsed, record, result);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    ObjectNode apply(ConnectorConfig config, ConnectRecord record, ObjectNode result) throws Exception {
        List<TransformationStage> stages;
        try {
            stages = (List) config.transformationStages(plugins, new ConnectorTaskId("c", 0), metrics);
        } catch (Throwable e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            ObjectNode error = error(cause);
            error.put("phase", "configure");
            if (e.getCause() != null) {
                error.put("wrappedBy", e.getClass().getName());
            }
            result.set("configError", error);
            return result;
        }
        try {
            for (int i = 0; i < stages.size(); i++) {
                try {
                    record = stages.get(i).apply(record);
                } catch (Throwable e) {
                    ObjectNode error = error(e);
                    error.put("stage", i);
                    result.set("error", error);
                    return result;
                }
                if (record == null) {
                    result.put("dropped", true);
                    return result;
                }
            }
        } finally {
            stages.forEach(TransformationStage::close);
        }
        try {
            result.set("record", record(record));
        } catch (DataException e) { // a schema that cannot be written
            return INVALID;
        }
        return result;
    }

    static Integer integer(JsonNode n) {
        return n == null || n.isNull() ? null : n.intValue();
    }

    static Long whole(JsonNode n) {
        return n == null || n.isNull() ? null : n.longValue();
    }

    static SourceRecord sourceRecord(JsonNode r) throws Exception {
        SchemaAndValue k = env(r.get("key")), v = env(r.get("value"));
        return new SourceRecord(new HashMap<>(), new HashMap<>(), r.get("topic").asText(), integer(r.get("partition")),
            k.schema(), k.value(), v.schema(), v.value(), whole(r.get("timestamp")), headers(r.get("headers")));
    }

    static SinkRecord sinkRecord(JsonNode r) throws Exception {
        SchemaAndValue k = env(r.get("key")), v = env(r.get("value"));
        return new SinkRecord(r.get("topic").asText(), r.get("partition").intValue(), k.schema(), k.value(), v.schema(), v.value(),
            r.get("offset").longValue(), whole(r.get("timestamp")), TimestampType.valueOf(r.get("timestampType").asText()), headers(r.get("headers")));
    }

    static ConnectHeaders headers(JsonNode list) throws Exception {
        ConnectHeaders h = new ConnectHeaders();
        for (JsonNode e : list) {
            SchemaAndValue v = env(e.get("value"));
            h.add(e.get("name").asText(), v);
        }
        return h;
    }

    static SchemaAndValue env(JsonNode n) throws Exception {
        if (n.size() == 2 && n.path("schema").isNull() && n.path("payload").isNull()) {
            return SchemaAndValue.NULL;
        }
        return ENV.toConnectData("t", M.writeValueAsBytes(n));
    }

    static ObjectNode record(ConnectRecord<?> r) throws Exception {
        ObjectNode o = N.objectNode();
        o.put("kind", r instanceof SinkRecord ? "sink" : "source");
        o.put("topic", r.topic());
        o.put("partition", r.kafkaPartition());
        o.put("timestamp", r.timestamp());
        if (r instanceof SinkRecord) {
            o.put("offset", ((SinkRecord) r).kafkaOffset());
            o.put("timestampType", ((SinkRecord) r).timestampType().name());
        }
        put(o, "key", r.keySchema(), r.key());
        put(o, "value", r.valueSchema(), r.value());
        ArrayNode headers = o.putArray("headers");
        for (Header h : r.headers()) {
            ObjectNode e = headers.addObject();
            e.put("name", h.key());
            put(e, "value", h.schema(), h.value());
        }
        return o;
    }

    static void put(ObjectNode o, String name, Schema schema, Object value) throws Exception {
        try {
            byte[] b = ENV.fromConnectData("t", schema, value);
            // As it was written: reading it would change how numbers look.
            o.putRawValue(name, new RawValue(b == null ? "{\"schema\":null,\"payload\":null}" : new String(b, StandardCharsets.UTF_8)));
        } catch (Throwable e) {
            ObjectNode env = N.objectNode();
            env.set("schema", schema == null ? N.nullNode() : ENV.asJsonSchema(schema));
            env.set("typed", typed(value));
            env.set("encodeError", error(e));
            o.set(name, env);
            return;
        }
        if (schema == null && value != null) {
            o.set(name + "Typed", typed(value));
        }
    }

    // Converters.

    ObjectNode convert(JsonNode c) throws Exception {
        ObjectNode result = N.objectNode();
        try {
            convertInto(c, result);
        } catch (Throwable e) {
            result.removeAll();
            result.set("error", error(e));
        }
        return result;
    }

    void convertInto(JsonNode c, ObjectNode result) throws Exception {
        Object plugin = Class.forName(c.get("class").asText()).getDeclaredConstructor().newInstance();
        String method = c.get("method").asText();
        boolean isKey = c.path("isKey").asBoolean(false);
        Map<String, String> config = c.has("config") ? texts(c.get("config")) : new HashMap<>();
        JsonNode input = c.get("input");
        byte[] bytes = method.startsWith("to") && !input.isNull() ? Base64.getDecoder().decode(input.asText()) : null;
        boolean header = method.endsWith("Header");
        if (header) {
            if (plugin instanceof Converter) {
                ((Converter) plugin).configure(config, isKey);
            } else {
                Map<String, String> with = new HashMap<>(config);
                with.put("converter.type", "header");
                ((HeaderConverter) plugin).configure(with);
            }
        } else {
            ((Converter) plugin).configure(config, isKey);
        }
        if (method.startsWith("to")) {
            SchemaAndValue v = header ? ((HeaderConverter) plugin).toConnectHeader("t", "h", bytes) : ((Converter) plugin).toConnectData("t", bytes);
            if (v == null) {
                result.put("nullReturn", true);
                return;
            }
            put(result, "value", v.schema(), v.value());
            if (plugin instanceof SimpleHeaderConverter && (v.value() instanceof List || v.value() instanceof Map)) {
                result.set("valueTyped", typed(v.value()));
            }
            return;
        }
        SchemaAndValue v;
        try {
            v = env(input);
        } catch (Exception e) {
            result.put("invalid", true);
            return;
        }
        byte[] b = header ? ((HeaderConverter) plugin).fromConnectHeader("t", "h", v.schema(), v.value()) : ((Converter) plugin).fromConnectData("t", v.schema(), v.value());
        result.set("bytes", b == null ? N.nullNode() : N.textNode(Base64.getEncoder().encodeToString(b)));
        if (b != null && plugin instanceof SimpleHeaderConverter) {
            result.put("text", new String(b, StandardCharsets.UTF_8));
        }
        if (unordered(v.value())) {
            result.put("mapOrder", true);
        }
    }

    /** Says whether a map of two or more entries is inside. */
    static boolean unordered(Object v) {
        if (v instanceof Map) {
            return ((Map<?, ?>) v).size() > 1 || ((Map<?, ?>) v).values().stream().anyMatch(Oracle::unordered);
        }
        if (v instanceof List) {
            return ((List<?>) v).stream().anyMatch(Oracle::unordered);
        }
        if (v instanceof Struct) {
            return ((Struct) v).schema().fields().stream().anyMatch(f -> unordered(((Struct) v).get(f)));
        }
        return false;
    }

    // Notation.

    static ObjectNode error(Throwable e) {
        ObjectNode o = N.objectNode();
        o.put("class", e.getClass().getName());
        o.put("message", e.getMessage());
        if (e.getCause() != null && e.getCause() != e) {
            o.put("causeClass", e.getCause().getClass().getName());
        }
        if (byJava(e)) {
            o.put("jvmMessage", true);
        }
        return o;
    }

    /** Says whether a text is Java's own, or one that changes from run to run. */
    static boolean byJava(Throwable e) {
        StackTraceElement[] trace = e.getStackTrace();
        return e instanceof NullPointerException || e instanceof ClassCastException || trace.length == 0
            || !trace[0].getClassName().startsWith("org.apache.kafka.")
            || e.getMessage() != null && (e.getMessage().matches("(?s).*@[0-9a-f]{5,8}.*") || e.getMessage().contains("Record{"));
    }

    static JsonNode typed(Object v) throws Exception {
        if (v == null) {
            return N.nullNode();
        }
        ObjectNode o = N.objectNode();
        if (v instanceof Byte) {
            o.put("int8", (Byte) v);
        } else if (v instanceof Short) {
            o.put("int16", (Short) v);
        } else if (v instanceof Integer) {
            o.put("int32", (Integer) v);
        } else if (v instanceof Long) {
            o.put("int64", (Long) v);
        } else if (v instanceof Float) {
            o.put("float32", v.toString());
        } else if (v instanceof Double) {
            o.put("float64", v.toString());
        } else if (v instanceof Boolean) {
            o.put("boolean", (Boolean) v);
        } else if (v instanceof String) {
            o.put("string", (String) v);
        } else if (v instanceof byte[]) {
            o.put("bytes", Base64.getEncoder().encodeToString((byte[]) v));
        } else if (v instanceof ByteBuffer) {
            ByteBuffer b = ((ByteBuffer) v).duplicate();
            byte[] all = new byte[b.remaining()];
            b.get(all);
            o.put("bytes", Base64.getEncoder().encodeToString(all));
        } else if (v instanceof BigDecimal) {
            o.put("decimal", v.toString());
        } else if (v instanceof java.util.Date) {
            o.put("date", ((java.util.Date) v).getTime());
        } else if (v instanceof List) {
            ArrayNode a = o.putArray("array");
            for (Object e : (List<?>) v) {
                a.add(typed(e));
            }
        } else if (v instanceof Map) {
            TreeMap<String, ArrayNode> sorted = new TreeMap<>();
            for (Map.Entry<?, ?> e : ((Map<?, ?>) v).entrySet()) {
                ArrayNode pair = N.arrayNode();
                pair.add(typed(e.getKey()));
                pair.add(typed(e.getValue()));
                sorted.put(M.writeValueAsString(pair.get(0)), pair);
            }
            ArrayNode a = o.putArray("map");
            sorted.values().forEach(a::add);
        } else if (v instanceof Struct) {
            ArrayNode a = o.putArray("struct");
            for (Field f : ((Struct) v).schema().fields()) {
                ArrayNode pair = a.addArray();
                pair.add(f.name());
                pair.add(typed(((Struct) v).getWithoutDefault(f.name())));
            }
        } else {
            o.put("other", v.getClass().getName());
        }
        return o;
    }
}
