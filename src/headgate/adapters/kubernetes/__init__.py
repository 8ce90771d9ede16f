"""A Kubernetes cluster with the Gateway API: the ports of a rollout on its objects."""
