import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/** Reads values with Avro's own reader and writes them again; each line is a schema and a value, in Base64. */
final class ReadAgain {
  public static void main(String[] arguments) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, US_ASCII));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] parts = line.split(" ");
      byte[] value = parts.length > 1 ? Base64.getDecoder().decode(parts[1]) : new byte[0];
      String answer;
      try {
        Schema schema = new Schema.Parser().parse(new String(Base64.getDecoder().decode(parts[0]), UTF_8));
        answer = Base64.getEncoder().encodeToString(again(schema, value));
      } catch (IOException | RuntimeException error) {
        answer = "! " + error.toString().replace('\n', ' ');
      }
      System.out.println(answer);
    }
  }

  private static byte[] again(Schema schema, byte[] value) throws IOException {
    BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(value, null);
    Object read = new GenericDatumReader<Object>(schema) {
      @Override
      protected Object newArray(Object old, int size, Schema type) {
        return new ArrayList<Object>(size); // 1.12.0's own array of doubles loses the first of them
      }

      @Override
      protected Object newMap(Object old, int size) {
        return new LinkedHashMap<Object, Object>(); // entries stay in their order
      }
    }.read(null, decoder);
    if (!decoder.isEnd()) {
      throw new IOException("bytes are left over");
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<Object>(schema).write(read, encoder);
    encoder.flush();
    return out.toByteArray();
  }
}
