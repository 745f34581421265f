"""Holds Oddsmith's cache of the hub against Hugging Face's own library, both ways.

    pip install huggingface_hub
    deno run -A tests/hub/interoperate.ts <python>

which starts a hub on the loopback interface and calls this script:

    interoperate.py find <commit>      what Oddsmith cached is found without a network
    interoperate.py download <commit>  caches the same repository by itself, for Oddsmith to find
"""

import sys

from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download, try_to_load_from_cache

MODEL, DATASET = "acme/tiny", "acme/pairs"


def find(commit: str) -> None:
    for revision in (None, "main", commit):
        for path in ("config.json", "model.safetensors"):
            found = try_to_load_from_cache(MODEL, path, revision=revision)
            assert isinstance(found, str), (revision, path, found)
    folder = snapshot_download(MODEL, local_files_only=True)
    assert folder.endswith(commit), folder
    data = hf_hub_download(DATASET, "data/train.jsonl", repo_type="dataset", local_files_only=True)
    assert open(data).read().startswith("{")
    report = scan_cache_dir()
    assert not report.warnings, report.warnings
    assert {repo.repo_id for repo in report.repos} == {MODEL, DATASET}, report.repos
    assert {str(ref) for repo in report.repos for ref in repo.refs} == {"main"}


def download(commit: str) -> None:
    assert snapshot_download(MODEL).endswith(commit)
    hf_hub_download(DATASET, "data/train.jsonl", repo_type="dataset")


{"find": find, "download": download}[sys.argv[1]](sys.argv[2])
print("ok", sys.argv[1])
