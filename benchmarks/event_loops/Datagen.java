import static java.nio.charset.StandardCharsets.US_ASCII;

import io.confluent.avro.random.generator.Generator;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Map;
import java.util.Random;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Events as Confluent's Datagen connector makes them: by its own generator, from a schema with arg.properties, written by Avro.
 *
 * <p>Less than the connector does, which makes each a Connect struct, and an Avro record again. workload_peers.py starts it, and
 * says how it is told what to do.
 */
final class Datagen {
  private final Generator generator;
  private final GenericDatumWriter<Object> writer;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final byte[] header;
  private BinaryEncoder encoder;

  private Datagen(Schema schema, int schemaId) {
    generator = new Generator.Builder().schema(schema).random(new Random(7)).build();
    GenericData data = new GenericData();
    data.addLogicalTypeConversion(new Conversions.DecimalConversion());
    writer = new GenericDatumWriter<>(schema, data);
    header = ByteBuffer.allocate(5).put((byte) 0).putInt(schemaId).array();
  }

  public static void main(String[] arguments) throws IOException {
    Schema schema = new Schema.Parser().parse(new File(arguments[0]));
    Datagen datagen = new Datagen(schema, Integer.parseInt(System.getenv("PEER_SCHEMA_ID")));
    String topic = System.getenv("PEER_TOPIC");
    if (topic == null) {
      datagen.answer();
    } else {
      datagen.produce(topic);
    }
  }

  private byte[] value(Object event) throws IOException {
    out.reset();
    out.write(header, 0, header.length);
    encoder = EncoderFactory.get().directBinaryEncoder(out, encoder);
    writer.write(event, encoder);
    encoder.flush();
    return out.toByteArray();
  }

  private void answer() throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, US_ASCII));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      long total = 0;
      byte[] value = {};
      for (int left = Integer.parseInt(line); left > 0; left--) {
        value = value(generator.generate());
        total += value.length;
      }
      System.out.println(total + " " + Base64.getEncoder().encodeToString(value));
    }
  }

  private void produce(String topic) throws IOException {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", System.getenv("PEER_BOOTSTRAP"), "linger.ms", 5, "acks", "all");
    try (KafkaProducer<String, byte[]> producer =
        new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
      while (true) {
        GenericRecord event = (GenericRecord) generator.generate();
        producer.send(new ProducerRecord<>(topic, event.get("id").toString(), value(event)));
      }
    }
  }
}
