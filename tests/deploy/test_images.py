"""The container images: small, labelled, without a shell, the same from the same binaries, and able to run."""

import io
import json
import pathlib
import subprocess
import tarfile
import tempfile
import unittest

from charts import ROOT

PROGRAMS = {"wirespan-agent": "0:0", "wirespan-gateway": "65532:65532"}


class Image:
    """An OCI archive of one image with one layer."""

    def __init__(self, path):
        with tarfile.open(path) as archive:
            def blob(digest):
                return archive.extractfile("blobs/" + digest.replace(":", "/"))
            self.digest = json.load(archive.extractfile("index.json"))["manifests"][0]["digest"]
            manifest = json.load(blob(self.digest))
            document = json.load(blob(manifest["config"]["digest"]))
            self.config, self.created, self.architecture = document["config"], document["created"], document["architecture"]
            self.layers = []
            for layer in manifest["layers"]:
                self.layers.append(blob(layer["digest"]).read())

    def unpack(self, folder):
        for layer in self.layers:
            subprocess.run(["tar", "-xz", "-C", folder], input=layer, check=True)


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="wirespan-images-")
        cls.addClassCleanup(folder.cleanup)
        cls.images = []
        for turn in ("first", "second"):
            out = pathlib.Path(folder.name) / turn
            subprocess.run([ROOT / "tools" / "images", out], check=True, capture_output=True)
            cls.images.append({program: Image(out / f"{program}.tar") for program in PROGRAMS})

    def test_two_builds_have_one_digest(self):
        first, second = ({program: image.digest for program, image in turn.items()} for turn in self.images)
        self.assertEqual(first, second)

    def test_users_entry_points_and_labels(self):
        for program, user in PROGRAMS.items():
            config = self.images[0][program].config
            self.assertEqual(config["User"], user)
            self.assertEqual(config["Entrypoint"], [f"/{program}"])
            labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}
            self.assertEqual(labels["title"], program)
            self.assertEqual(labels["licenses"], "Apache-2.0")
            self.assertRegex(labels["version"], r"^\d+\.\d+\.\d+$")
            self.assertLessEqual({"description", "revision", "created"}, set(labels))
        self.assertIn("WIRESPAN_LISTEN_HOST=0.0.0.0", self.images[0]["wirespan-gateway"].config["Env"])

    def test_the_gateways_user_may_write_where_volumes_go(self):
        """An engine gives a new volume the owner that the image's folder has."""
        for program in PROGRAMS:
            with tarfile.open(fileobj=io.BytesIO(self.images[0][program].layers[0])) as layer:
                owners = {name: (layer.getmember(name).uid, layer.getmember(name).gid) for name in ("var/lib/wirespan", "run/wirespan", "etc")}
            self.assertEqual(owners, {"var/lib/wirespan": (65532, 65532), "run/wirespan": (65532, 65532), "etc": (0, 0)})

    def test_they_are_small_and_run(self):
        for program, user in PROGRAMS.items():
            with self.subTest(program=program), tempfile.TemporaryDirectory(prefix="wirespan-root-") as root:
                self.images[0][program].unpack(root)
                pathlib.Path(root).chmod(0o755)
                size = sum(p.stat().st_size for p in pathlib.Path(root).rglob("*") if p.is_file() and not p.is_symlink())
                self.assertLess(size, 60 << 20)
                self.assertFalse(any(pathlib.Path(root).rglob("*sh")), "a shell")
                answer = subprocess.run(["chroot", f"--userspec={user}", root, f"/{program}", "--version"], capture_output=True, text=True,
                                        check=False)
                self.assertEqual((answer.returncode, answer.stderr), (0, ""))
                self.assertRegex(answer.stdout, rf"{program} \d")
                authorities = (pathlib.Path(root) / "etc/ssl/certs/ca-certificates.crt").read_text()
                self.assertGreater(authorities.count("BEGIN CERTIFICATE"), 50)


if __name__ == "__main__":
    unittest.main()
