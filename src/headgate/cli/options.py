"""Options that several commands share, and those of `submit`."""

from pathlib import Path
from typing import Annotated

import typer

REGISTRY_URI = "http://mlflow.headgate:5000"
CLUSTER_URL = "kubernetes://headgate"
FOLLOW_SECONDS = 86_400.0  # a canary waits for traffic, and there may be little

ImageRegistry = Annotated[
    str,
    typer.Option(
        metavar="R",
        help="Registry that holds the images, as in ghcr.io/acme; else HEADGATE_IMAGE_REGISTRY.",
    ),
]
ImageTag = Annotated[
    str,
    typer.Option(
        metavar="TAG", help="Tag of the images; else HEADGATE_IMAGE_TAG, else that of the sources."
    ),
]
ImagePullSecret = Annotated[
    str,
    typer.Option(metavar="NAME", help="Secret with the registry's credentials, for every step."),
]
SharedMemory = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="Size of /dev/shm of the step that trains, as in 2Gi; counts as its memory.",
    ),
]
DataVolume = Annotated[
    str,
    typer.Option(
        metavar="CLAIM[:FOLDER]",
        help="PersistentVolumeClaim with the table, and where the step that reads it finds it"
        " (/data unless said otherwise).",
    ),
]
Host = Annotated[
    str,
    typer.Option(
        metavar="URL", help="Kubeflow Pipelines: its API server, or the dashboard's address."
    ),
]
Namespace = Annotated[
    str,
    typer.Option(metavar="N", help="Your namespace, on a Kubeflow that serves many users."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="File with a bearer token; read anew for every request."),
]
CaCert = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Certificate of the authority that signed the server's."),
]
Experiment = Annotated[
    str,
    typer.Option(metavar="E", help="Experiment to file the run under; the problem's name if not."),
]
RegistryUri = Annotated[
    str, typer.Option(metavar="URI", help="MLflow, as the steps reach it from their pods.")
]
ClusterUrl = Annotated[
    str,
    typer.Option(
        metavar="URL", help="Where the model shall serve: kubernetes://NAMESPACE of this cluster."
    ),
]
Param = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="A parameter of the pipeline, as in train_memory=8Gi or accelerator_count=1; lists"
        " and mappings as JSON. May be given more than once.",
    ),
]
Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", help="How long to follow at most; the run goes on.")
]
