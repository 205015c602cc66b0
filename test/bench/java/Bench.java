import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.StringConverter;
import org.apache.kafka.connect.transforms.InsertField;
import org.apache.kafka.connect.transforms.ReplaceField;
import org.apache.kafka.connect.transforms.TimestampRouter;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Measures Connect's own converters and transforms on one case of the benchmark:
 * {@code java Bench CASE FOLDER WARM MEASURED}, times in nanoseconds of CPU time of the
 * whole process. Prints records, CPU nanoseconds and the bytes of the results of one
 * round, as the Go side does.
 */
public final class Bench {
  private static final long RECORD_TIME = 1_700_000_000_123L;
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final Converter converter;
  private final List<Transformation<SourceRecord>> transforms = new ArrayList<>();
  private final List<byte[]> texts = new ArrayList<>();
  private final List<SchemaAndValue> data = new ArrayList<>();
  private long bytes;

  private interface Step {
    void run(int i);
  }

  private Bench(String kind, Path folder) throws IOException {
    boolean string = kind.equals("string");
    converter = string ? new StringConverter() : new JsonConverter();
    converter.configure(Map.of("schemas.enable", String.valueOf(kind.equals("enveloped"))), false);
    Transformation<SourceRecord> insert = new InsertField.Value<>();
    insert.configure(Map.of("timestamp.field", "ts", "static.field", "src", "static.value", "bench"));
    Transformation<SourceRecord> replace = new ReplaceField.Value<>();
    replace.configure(Map.of("exclude", "secret", "renames", "name:user"));
    Transformation<SourceRecord> route = new TimestampRouter<>();
    route.configure(Map.of());
    transforms.addAll(List.of(insert, replace, route));
    Path file = folder.resolve((string ? "event" : kind) + ".jsonl");
    for (String line : Files.readAllLines(file)) {
      byte[] text = line.getBytes(StandardCharsets.UTF_8);
      texts.add(text);
      data.add(converter.toConnectData("t", text));
    }
  }

  private void decode(int i) {
    SchemaAndValue read = converter.toConnectData("t", texts.get(i));
    if (read.value() != null) {
      bytes += texts.get(i).length;
    }
  }

  private void encode(SchemaAndValue value) {
    bytes += converter.fromConnectData("t", value.schema(), value.value()).length;
  }

  private SchemaAndValue transform(SchemaAndValue value) {
    SourceRecord record = new SourceRecord(null, null, "t", null, null, null, value.schema(), value.value(), RECORD_TIME);
    for (Transformation<SourceRecord> transform : transforms) {
      record = transform.apply(record);
    }
    bytes += record.topic().length();
    return new SchemaAndValue(record.valueSchema(), record.value());
  }

  private Step step(String what) {
    switch (what) {
      case "decode":
        return this::decode;
      case "encode":
        return i -> encode(data.get(i));
      case "transform":
        return i -> transform(data.get(i));
      case "chain":
        return i -> encode(transform(converter.toConnectData("t", texts.get(i))));
      default:
        throw new IllegalArgumentException("no work is named " + what);
    }
  }

  public static void main(String[] args) throws IOException {
    String what = args[0].substring(0, args[0].indexOf('-'));
    Bench bench = new Bench(args[0].substring(what.length() + 1), Path.of(args[1]));
    Step step = bench.step(what);
    long records = 0;
    long used = 0;
    for (int part = 2; part < 4; part++) {
      long until = Long.parseLong(args[part]);
      long begin = SYSTEM.getProcessCpuTime();
      records = 0;
      used = 0;
      while (used < until) {
        bench.bytes = 0;
        for (int i = 0; i < bench.texts.size(); i++) {
          step.run(i);
        }
        records += bench.texts.size();
        used = SYSTEM.getProcessCpuTime() - begin;
      }
    }
    System.out.println(records + " " + used + " " + bench.bytes);
  }
}
