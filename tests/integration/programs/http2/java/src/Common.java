import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.io.ByteArrayInputStream;
import java.io.FileWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;

/** What the server and the client share. ../truth.md says what they log and how they are told what to do. */
final class Common {
  static final String SERVICE = "wirespan.test.Truth";
  static final int MOST_BYTES = 64 << 20;
  static final Metadata.Key<String> ID = key("x-id"), REPLY = key("x-reply"), FILL = key("x-fill"), TRACEPARENT = key("traceparent");

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  /** Messages are bytes: there is nothing in them that a test needs to read. */
  private static final MethodDescriptor.Marshaller<byte[]> RAW = new MethodDescriptor.Marshaller<>() {
    @Override public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  };

  static MethodDescriptor<byte[], byte[]> method(String name) {
    MethodDescriptor.MethodType type = switch (name) {
      case "Unary" -> MethodDescriptor.MethodType.UNARY;
      case "ClientStream" -> MethodDescriptor.MethodType.CLIENT_STREAMING;
      case "ServerStream" -> MethodDescriptor.MethodType.SERVER_STREAMING;
      default -> MethodDescriptor.MethodType.BIDI_STREAMING;
    };
    return MethodDescriptor.newBuilder(RAW, RAW).setType(type).setFullMethodName(SERVICE + "/" + name).build();
  }

  /** Words "name=value". */
  static final class Fields {
    private final Map<String, String> all = new HashMap<>();

    Fields(String text, String between) {
      for (String word : text.split(between)) {
        int equals = word.indexOf('=');
        if (equals > 0) {
          all.put(word.substring(0, equals), word.substring(equals + 1));
        }
      }
    }

    String text(String name) {
      return all.getOrDefault(name, "");
    }

    int number(String name, int otherwise) {
      String value = text(name);
      return value.isEmpty() ? otherwise : Integer.parseInt(value);
    }
  }

  static final class Tally {
    private int receivedMessages, receivedBytes, sentMessages, sentBytes;

    synchronized void received(byte[] message) {
      receivedMessages++;
      receivedBytes += message.length;
    }

    synchronized byte[] sent(byte[] message) {
      sentMessages++;
      sentBytes += message.length;
      return message;
    }

    synchronized String json() {
      return String.format("\"received_messages\":%d,\"received_bytes\":%d,\"sent_messages\":%d,\"sent_bytes\":%d", receivedMessages, receivedBytes,
          sentMessages, sentBytes);
    }
  }

  /** One JSON object a line. */
  static final class Log {
    private final FileWriter file;

    Log(String path) throws IOException {
      file = new FileWriter(path);
    }

    synchronized void write(String id, String method, int status, double ms, Tally tally, String more) {
      try {
        file.write(String.format("{\"id\":\"%s\",\"method\":\"%s/%s\",\"status\":%d,\"ms\":%f,%s%s}\n", id, SERVICE, method, status, ms, tally.json(),
            more));
        file.flush();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  static double ms(long since) {
    return (System.nanoTime() - since) / 1e6;
  }
}
