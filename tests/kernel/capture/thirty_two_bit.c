/* Writes a request to descriptor 3 and reads an answer, by the system calls of i386: no library. */
static long call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
  return result;
}

static char buffer[4096];
static const char request[] = "GET /thirty-two HTTP/1.1\r\nHost: test.example\r\n\r\n";

void _start(void) {
  long sent = call(4, 3, (long)request, sizeof(request) - 1);
  long received = call(3, 3, (long)buffer, sizeof(buffer));
  call(1, sent > 0 && received > 0 ? 0 : 1, 0, 0);
}
