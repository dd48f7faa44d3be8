"""What is served and where: replicas, exposure, keys, and the file for ``serve deploy``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ray.serve._private.api import call_user_app_builder_with_args_if_necessary
from ray.serve.schema import ServeDeploySchema

from experiments.commands.serve import serve_artifact
from experiments.export.artifact import ArtifactError
from experiments.serve.cluster import Ports, ServingError, served
from experiments.serve.deployments import application, build, num_cpus
from experiments.serve.serve_config import write_serve_config
from experiments.serve.settings import ServedModel, check_exposure, is_loopback, parse_replicas, served_name
from tests.experiments.serve.artifacts import write


def test_replicas_are_two_controllers_and_one_of_each_member() -> None:
    assert parse_replicas((), ["ada", "bob"]) == {"controller": 2, "ada": 1, "bob": 1}
    assert parse_replicas(["bob=3", "controller=1"], ["ada", "bob"]) == {"controller": 1, "ada": 1, "bob": 3}
    assert num_cpus({"controller": 2, "ada": 1, "bob": 3}) == 5.0


@pytest.mark.parametrize("entry", ["carl=1", "ada", "ada=", "ada=0", "ada=-1", "ada=1.5", "ada=²", "=2", "ada=1001"])
def test_other_replicas_are_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=rf"--replicas has {re.escape(repr(entry))}"):
        parse_replicas([entry], ["ada"])


@pytest.mark.parametrize(
    ("host", "is_safe"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("me", False),
    ],
)
def test_other_machines_need_a_key_or_a_word(host: str, is_safe: bool) -> None:
    assert is_loopback(host) == is_safe
    check_exposure(host, {}, api_key_env=None, is_open=True)
    check_exposure(host, {"K": "12345678"}, api_key_env="K", is_open=False)
    if is_safe:
        check_exposure(host, {}, api_key_env=None, is_open=False)
    else:
        with pytest.raises(ValueError, match=rf"--host is {host!r}.*no API key.*--api-key-env.*--no-api-key"):
            check_exposure(host, {}, api_key_env=None, is_open=False)


def test_grpc_is_open_to_other_machines_and_needs_a_key_too() -> None:
    with pytest.raises(ValueError, match=r"--grpc-port is open on every address.*no API key"):
        check_exposure("127.0.0.1", {}, api_key_env=None, is_open=False, has_grpc=True)
    check_exposure("127.0.0.1", {"K": "12345678"}, api_key_env="K", is_open=False, has_grpc=True)


@pytest.mark.parametrize("key", ["", "short", "line\nbreak!", "schlüssel"])
def test_weak_keys_are_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match=rf"--api-key-env is 'K', whose value has {len(key)} characters") as refusal:
        check_exposure("127.0.0.1", {"K": key}, api_key_env="K", is_open=True)
    assert not key or key not in str(refusal.value)


def test_names() -> None:
    assert served_name(ServedModel(artifact="/a/winner/")) == "winner"
    assert served_name(ServedModel(artifact="/a/winner", name="me")) == "me"


def test_the_file_for_serve_deploy_describes_the_application(folder: Path, tmp_path: Path) -> None:
    model = ServedModel(artifact=str(write(folder, "mean")))
    replicas = parse_replicas(["ada=2"], ["ada", "bob", "cleo"])
    write_serve_config(tmp_path / "serve.yaml", model, replicas, Ports(http=8123, grpc=9123))
    schema = ServeDeploySchema.model_validate(yaml.safe_load((tmp_path / "serve.yaml").read_text()))
    (app,) = schema.applications
    assert (schema.http_options.port, schema.grpc_options.port) == (8123, 9123)
    assert app.import_path == f"{build.__module__}:{build.__name__}"
    assert ServedModel.model_validate(app.args) == model
    counts = {deployment.name: deployment.num_replicas for deployment in app.deployments}
    assert counts == {"controller": 2, "member-ada": 2, "member-bob": 1, "member-cleo": 1}
    bound = call_user_app_builder_with_args_if_necessary(build, app.args)._bound_deployment
    assert bound.init_args[0] == application(model, replicas)._bound_deployment.init_args[0] == app.args
    assert bound.name == "controller"
    assert {handle._bound_deployment.name for handle in bound.init_args[1].values()} == set(counts) - {"controller"}
    with pytest.raises(FileExistsError):
        write_serve_config(tmp_path / "serve.yaml", model, replicas, Ports())


def test_the_command_says_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    artifact = write(folder, "mean")
    with pytest.raises(ArtifactError, match=str(tmp_path)):
        serve_artifact(tmp_path)
    with pytest.raises(ValueError, match=r"--host is '0\.0\.0\.0'"):
        serve_artifact(artifact, host="0.0.0.0")
    with pytest.raises(ValueError, match=r"--limit has 'speed=9'; allowed are .*request_seconds"):
        serve_artifact(artifact, limits=["speed=9"])
    with pytest.raises(ValueError, match=r"request_seconds"):
        serve_artifact(artifact, limits=["request_seconds=nan"])
    serve_artifact(artifact, replicas=["bob=2"], limits=["num_waiting=5"], write_config=tmp_path / "s.yaml")
    document = yaml.safe_load((tmp_path / "s.yaml").read_text())
    assert "grpc_options" not in document
    args = document["applications"][0]["args"]
    assert (args["limits"]["num_waiting"], args["artifact"]) == (5, str(artifact))


def test_what_ray_says_of_a_start_that_fails_is_passed_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ray import serve
    from ray.exceptions import ActorDiedError

    def dies(**options: object) -> None:
        raise ActorDiedError

    ended = []
    monkeypatch.setattr("ray.init", lambda **options: None)
    monkeypatch.setattr("ray.shutdown", lambda: ended.append("ray"))
    monkeypatch.setattr(serve, "start", dies)
    monkeypatch.setattr(serve, "shutdown", lambda: ended.append("serve"))
    model = ServedModel(artifact=str(write(folder, "single")))
    with (
        pytest.raises(ServingError, match="Ray Serve cannot run the composite: ActorDiedError: The actor died"),
        served(model, {"controller": 1, "ada": 1}, Ports()),
    ):
        pass
    assert ended == ["serve", "ray"]
