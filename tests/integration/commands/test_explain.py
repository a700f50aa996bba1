"""`explain`: each process with sockets, what is seen of it, what is not, and why."""

import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

from support import AgentCase, Program, agent, bpf_programs, wait_for


class Attached(AgentCase):
    agent_config = "capture: {filter: {exclude: [{command_line: '*excluded-by-rule*'}]}}\ntraces: {rules: [{command_line: '*metrics-only*', mode: never}]}"

    def explain(self, pid=None):
        ended = agent("explain", "--socket", self.socket, *([pid] if pid else []))
        self.assertEqual(ended.code, 0, ended.err)
        return ended.out

    def process(self, pid):
        ended = agent("explain", "--socket", self.socket, "--json")
        self.assertEqual(ended.code, 0, ended.err)
        found = [process for process in json.loads(ended.out)["processes"] if process["pid"] == pid]
        self.assertEqual(len(found), 1, f"process {pid} in {ended.out[:3000]}")
        return found[0]

    def test_what_is_seen(self):
        program = self.program()
        for _ in range(3):
            program.ask()
        wait_for("three exchanges", lambda: self.process(program.pid)["exchanges"] == 3)
        text = self.explain(program.pid)
        self.assertRegex(text, r"^capture backend: \w+\n")
        self.assertIn(f"\n{program.pid} server (", text)
        self.assertIn(f"    listens on port {program.port}\n", text)
        self.assertRegex(text, r"    seen: 3 exchanges on 3 HTTP/1 connections, by (socktrace|syscall|fentry|kprobe)\n")

    def test_nothing_yet(self):
        program = self.program()
        self.assertIn("    observed: 0 connections open, nothing to read passed on them yet\n", self.explain(program.pid))

    def test_excluded_by_a_rule(self):
        program = self.program(arguments=["excluded-by-rule"])
        program.ask()
        process = self.process(program.pid)
        self.assertFalse(process["seen"])
        self.assertEqual(process["exchanges"], 0)
        self.assertRegex(self.explain(program.pid), r"    not observed: .*exclude.*\(command_line=\*excluded-by-rule\*\)\n")

    def test_metrics_only(self):
        program = self.program(arguments=["metrics-only"])
        program.ask()
        self.assertIn("    metrics only: the configuration says never (see traces.mode)\n", self.explain(program.pid))

    def test_the_gateway_is_not_observed(self):
        self.assertRegex(self.explain(self.stack.gateway.pid), r"    not observed: .*gateway")

    def test_tls_with_its_server_name(self):
        folder = self.stack.folder
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop.example", "-days", "2",
                        "-keyout", folder / "tls.key", "-out", folder / "tls.crt"], check=True, capture_output=True)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        listener = socket.create_server(("127.0.0.1", 0))
        def serve():
            with server.wrap_socket(listener.accept()[0], server_side=True) as s:
                s.recv(100)
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                s.recv(100)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        code = ("import socket,ssl,sys; c=ssl.create_default_context(); c.check_hostname=False; c.verify_mode=ssl.CERT_NONE;"
                "c.set_alpn_protocols(['http/1.1']);"
                f"s=c.wrap_socket(socket.create_connection(('127.0.0.1',{listener.getsockname()[1]})),server_hostname='shop.example');"
                "s.sendall(b'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); s.recv(100); print('held', flush=True); sys.stdin.read()")
        client = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.assertEqual(client.stdout.readline(), b"held\n")
            wait_for("the client's TLS connection", lambda: self.process(client.pid)["tls_connections"] == 1)
            self.assertIn("    not seen: 1 TLS connection (shop.example (http/1.1)): the bytes are encrypted on the socket",
                          self.explain(client.pid))
        finally:
            client.stdin.close()
            client.wait(20)
            client.stdout.close()
            thread.join(20)
            listener.close()

    def test_http2_is_named(self):
        listener = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(listener.getsockname())
        server = listener.accept()[0]
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
        server.recv(100)
        try:
            wait_for("HTTP/2", lambda: self.process(os.getpid())["http2_connections"] >= 1)
            self.assertRegex(self.explain(os.getpid()), r"    seen: \d+ exchanges? on (\d+ HTTP/1 connections? and )?\d+ HTTP/2 connections?")
        finally:
            for s in (client, server, listener):
                s.close()

    def test_io_uring_is_named(self):
        # A ring that is open is enough: setup by the bare system call, no library needed.
        code = ("import ctypes,sys,socket; l=ctypes.CDLL(None); p=ctypes.create_string_buffer(120);"
                "fd=l.syscall(425,4,p); s=socket.create_server(('127.0.0.1',0)); print(fd, flush=True); sys.stdin.read()")
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            if int(child.stdout.readline()) < 0:
                self.skipTest("this kernel or its kernel.io_uring_disabled refuses io_uring_setup")
            self.assertIn("    may be missing: it has 1 io_uring open", self.explain(child.pid))
        finally:
            child.stdin.close()
            child.wait(20)
            child.stdout.close()

    def test_a_32_bit_program_is_named(self):
        folder = self.stack.folder
        # A static program without a library: listens, then waits. int 0x80 is what a 32-bit program calls.
        source = folder / "small.s"
        source.write_text("""
.code32
.globl _start
_start:
  mov $359, %eax          # socket(AF_INET, SOCK_STREAM, 0)
  mov $2, %ebx
  mov $1, %ecx
  xor %edx, %edx
  int $0x80
  mov %eax, %ebx
  mov $363, %eax          # listen(fd, 1)
  mov $1, %ecx
  int $0x80
  mov $29, %eax           # pause()
  int $0x80
""")
        program = folder / "small32"
        built = subprocess.run(f"as --32 -o {folder}/small.o {source} && ld -m elf_i386 -o {program} {folder}/small.o",
                               shell=True, capture_output=True, text=True)
        if built.returncode != 0:
            self.skipTest(f"no 32-bit x86 assembler here: {built.stderr.strip()}")
        child = subprocess.Popen([program])
        try:
            wait_for("its socket", lambda: any("socket:" in os.readlink(f"/proc/{child.pid}/fd/{fd}")
                                               for fd in os.listdir(f"/proc/{child.pid}/fd")) or child.poll() is not None)
            if child.poll() is not None:
                self.skipTest("this kernel runs no 32-bit programs")
            wait_for("explain to name it", lambda: "32-bit program" in self.explain(child.pid))
        finally:
            child.kill()
            child.wait()

    def test_a_process_that_is_not_there(self):
        self.assertIn("process 4194303 has no stream sockets, or does not exist\n", self.explain(4194303))

    def test_every_process_with_a_listener_is_there(self):
        programs = [self.program() for _ in range(3)]
        text = self.explain()
        for program in programs:
            self.assertIn(f"\n{program.pid} server (", text)

    def test_it_loads_no_probes_of_its_own(self):
        before = bpf_programs()
        self.explain()
        self.assertLessEqual(bpf_programs(), before)


class Alone(unittest.TestCase):
    def test_without_an_agent_it_looks_for_three_seconds_with_probes_of_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            config = f"{folder}/agent.yaml"
            with open(config, "w") as f:
                f.write(f"control: {{socket: {folder}/none.sock}}\n")
            program = Program(folder)
            try:
                before = bpf_programs()
                done = threading.Event()
                def requests():
                    while not done.wait(0.1):
                        program.ask()
                thread = threading.Thread(target=requests)
                thread.start()
                try:
                    ended = agent("explain", "--config", config, program.pid)
                finally:
                    done.set()
                    thread.join()
                self.assertEqual(ended.code, 0, ended.err)
                self.assertEqual(ended.err, "no agent runs here: looking for 3 s with probes of my own\n")
                self.assertRegex(ended.out, r"    seen: \d+ exchanges on \d+ HTTP/1 connections, by ")
                wait_for("the probes to be gone", lambda: not bpf_programs() - before)
            finally:
                program.stop()


if __name__ == "__main__":
    unittest.main()
