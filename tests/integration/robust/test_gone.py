"""Processes in a container that are gone within milliseconds: whose they were is known of each of them."""

import os
import unittest

from support import CGROUPS, Pod, Stack, free_port, run_short_lived, wait_for
from stack import answers  # noqa: I001  (support puts its folder on the path)

COUNT = 150


class GoneAtOnce(unittest.TestCase):
    def setUp(self):
        root = CGROUPS / f"wirespan-test-{os.getpid()}"
        root.mkdir()
        self.addCleanup(root.rmdir)
        self.kept, self.left_out = Pod(root), Pod(root)
        self.addCleanup(self.kept.remove)
        self.addCleanup(self.left_out.remove)
        self.port = free_port()
        # Rules by group alone: where the group is not known, neither matches.
        self.stack = Stack(agent_config=f"""
capture:
  filter:
    include_ports: [{self.port}]
    include: [{{cgroup: "/{root.name}/*"}}]
    exclude: [{{cgroup: "*/pod{self.left_out.uid}/*"}}]
""")
        self.addCleanup(self.stack.close)
        server = self.stack.run("server", ["python3", "-m", "http.server", "--bind", "127.0.0.1", str(self.port)], cwd=self.stack.folder)
        wait_for("the server", lambda: answers(self.port))
        self.addCleanup(server.stop)

    def start(self, path, pod, *more):
        """Returns the container's id and what is to be called at the end."""
        group = pod.new_container()
        return group.name, run_short_lived(group, self.port, path, COUNT, *more)

    def spans(self, path):
        return self.stack.spans(lambda span: span.kind == "client" and span.target.startswith(f"/{path}/"))

    def expect_all(self, path, container):
        wait_for("the spans", lambda: len(self.spans(path)) >= COUNT)
        self.assertEqual({span.target for span in self.spans(path)}, {f"/{path}/{number}" for number in range(COUNT)})
        self.assertEqual({(span.resource.get("container.id"), span.resource.get("k8s.pod.uid")) for span in self.spans(path)},
                         {(container, self.kept.uid)})

    def test_each_has_its_pod_and_is_subject_to_the_filter(self):
        hidden, end_hidden = self.start("hidden", self.left_out)
        container, end = self.start("buried", self.kept)
        other, end_other = self.start("unburied", self.kept, "keep")
        self.expect_all("buried", container)
        self.expect_all("unburied", other)
        self.assertEqual(self.spans("hidden"), [], hidden)
        for each in (end_hidden, end, end_other):
            each()
        # What was tested is what this is about: some were gone before /proc could be read.
        self.assertGreater(self.stack.self_metrics()["wirespan_process_reconstructed_total"], 0)


if __name__ == "__main__":
    unittest.main()
