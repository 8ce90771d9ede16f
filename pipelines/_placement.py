"""What every step may use, and where it runs; the numbers of all pipelines stand here."""

from kfp import dsl, kubernetes

USER = 65532  # the images' unprivileged user and group
LIGHT_CPU, LIGHT_MEMORY, LIGHT_MEMORY_LIMIT = "250m", "256Mi", "1Gi"
# No CPU limit: a throttled step would measure its own throttling as the model's latency.
TABLE_CPU, TABLE_MEMORY = "500m", "512Mi"


def light(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """Place a step that reads reports and talks to servers.

    Args:
        task: The step.

    Returns:
        The step.
    """
    task.set_cpu_request(LIGHT_CPU).set_memory_request(LIGHT_MEMORY)
    return _unprivileged(task.set_memory_limit(LIGHT_MEMORY_LIMIT))


def holds_table(task: dsl.PipelineTask, *, memory: str) -> dsl.PipelineTask:
    """Place a step that holds rows of the table in memory.

    Args:
        task: The step.
        memory: Its limit, as text; the request stays small, most tables are.

    Returns:
        The step.
    """
    task.set_cpu_request(TABLE_CPU).set_memory_request(TABLE_MEMORY)
    return _unprivileged(task.set_memory_limit(memory))


def heavy(
    task: dsl.PipelineTask,
    *,
    cpu: str,
    memory: str,
    accelerator: tuple[str, str],
    node_selector: dict[str, str],
    tolerations: list[dict[str, str]],
) -> dsl.PipelineTask:
    """Place the step that trains.

    Every amount is text: of a number the backend of Kubeflow Pipelines 2.17 makes nothing at all.

    Args:
        task: The step.
        cpu: Request and limit.
        memory: Request and limit.
        accelerator: Name of the resource, and how many; "0" is none.
        node_selector: Labels that the node must have.
        tolerations: Kubernetes tolerations.

    Returns:
        The step.
    """
    name, count = accelerator
    task.set_cpu_request(cpu).set_cpu_limit(cpu)
    task.set_memory_request(memory).set_memory_limit(memory)
    task.set_accelerator_type(name).set_accelerator_limit(count)
    kubernetes.add_node_selector_json(task, node_selector)
    kubernetes.add_toleration_json(task, tolerations)
    return _unprivileged(task)


def _unprivileged(task: dsl.PipelineTask) -> dsl.PipelineTask:
    return kubernetes.set_security_context(
        task, run_as_user=USER, run_as_group=USER, run_as_non_root=True
    )
