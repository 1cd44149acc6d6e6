import shutil
import subprocess

import pytest

from placer import versions


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_package_installed_inside_a_repository_is_of_none_of_its_commits(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        done = subprocess.run(
            ["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    source = tmp_path / "versions.py"
    source.touch()
    monkeypatch.setattr(versions, "__file__", str(source))
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "nothing")
    assert versions.commit() == "unknown"
    git("add", "versions.py")
    git("commit", "--quiet", "--message", "the source")
    assert versions.commit() == git("rev-parse", "HEAD")
