"""The three files that Envoy reads: bootstrap, clusters (CDS) and the route (RDS)."""

from collections.abc import Mapping
from pathlib import Path

from headgate.ports import Route

STAT_PREFIX = "proxy"
ROUTE_NAME = "split"
REQUEST_TIMEOUT_SECONDS = 5
# Below the predictor's keep-alive of 75 s: the side that reuses a connection must close it first,
# or a request meets a connection that is just being closed.
UPSTREAM_IDLE_SECONDS = 30
# A burst waits in the proxy, in order, not in hundreds of connections to the server: an event loop
# that takes one new connection a turn (libuv, under uvloop) lets those wait for seconds while it
# serves the others. Measured with an overloaded predictor: of 14,000 to 35,000 requests 500 to
# 1,500 timed out with Envoy's default of 1,024 connections, none with 32, at the same rate.
MAX_CONNECTIONS = 32
MAX_PENDING = 8192
_TYPE = "type.googleapis.com/envoy."


def bootstrap(*, port: int, folder: Path, admin: Path) -> dict[str, object]:
    """Build the bootstrap: one loopback listener, clusters and route from watched files.

    Args:
        port: Port of the listener.
        folder: Holds `clusters.json` and `route.json`.
        admin: Unix socket of the admin interface, for the owner alone.

    Returns:
        Envoy's bootstrap.
    """
    manager = {
        "@type": _TYPE
        + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": STAT_PREFIX,
        "rds": {
            "route_config_name": ROUTE_NAME,
            "config_source": _watched(folder, "route.json"),
        },
        "generate_request_id": False,
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": _TYPE + "extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    listener = {
        "name": "proxy",
        "address": _loopback(port),
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }
                ]
            }
        ],
    }
    return {
        "admin": {"address": {"pipe": {"path": str(admin), "mode": 0o600}}},
        "dynamic_resources": {"cds_config": _watched(folder, "clusters.json")},
        "static_resources": {"listeners": [listener]},
        # Without a limit Envoy warns at each start; the traffic of one machine stays far below.
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": _TYPE + "extensions.resource_monitors.downstream_connections.v3."
                        "DownstreamConnectionsConfig",
                        "max_active_downstream_connections": 50_000,
                    },
                }
            ]
        },
    }


def clusters(ports: Mapping[str, int], *, version: str) -> dict[str, object]:
    """Build the cluster file: one cluster a deployment, so that weights and counts stay apart.

    Args:
        ports: Loopback port of each deployment's server.
        version: Version text by which the change is recognised in the statistics.

    Returns:
        A discovery response.
    """
    return {
        "version_info": version,
        "resources": [_cluster(name, port) for name, port in ports.items()],
    }


def routes(route: Route | None, *, version: str) -> dict[str, object]:
    """Build the route file; each request is dealt by a random number of its own, without retries.

    Args:
        route: The weights; None answers 503 to everybody.
        version: Version text by which the change is recognised in the statistics.

    Returns:
        A discovery response.
    """
    action: dict[str, object]
    if route is None:
        action = {
            "direct_response": {"status": 503, "body": {"inline_string": "headgate: no route yet"}}
        }
    else:
        weighted = [
            {"name": backend.deployment, "weight": backend.weight}
            for backend in route.backends
            if backend.weight > 0
        ]
        action = {
            "route": {
                "weighted_clusters": {"clusters": weighted},
                "timeout": f"{REQUEST_TIMEOUT_SECONDS}s",
            }
        }
    resource = {
        "@type": _TYPE + "config.route.v3.RouteConfiguration",
        "name": ROUTE_NAME,
        "virtual_hosts": [
            {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}} | action]}
        ],
    }
    return {"version_info": version, "resources": [resource]}


def _cluster(name: str, port: int) -> dict[str, object]:
    return {
        "@type": _TYPE + "config.cluster.v3.Cluster",
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": MAX_CONNECTIONS,
                    "max_pending_requests": MAX_PENDING,
                    "max_requests": MAX_PENDING,
                }
            ]
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _loopback(port)}}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": _TYPE + "extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": f"{UPSTREAM_IDLE_SECONDS}s"},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }


def _loopback(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _watched(folder: Path, name: str) -> dict[str, object]:
    # Envoy sees a rename in the watched folder; it ignores writes in place.
    return {
        "path_config_source": {
            "path": str(folder / name),
            "watched_directory": {"path": str(folder)},
        }
    }
