"""A model goes into the registry and comes out of it, by the ways that steps and pods take."""

from headgate.adapters.bundle_fetch import artifact_url, fetch_bundle
from headgate.adapters.bundles import read_bundle


def test_what_a_step_registers_a_predictor_can_fetch(
    cluster, registry_uri, tiny_bundle, tiny_reports
):
    # Given a version that a step registered
    registered = cluster.register(tiny_bundle, tiny_reports)
    # When a predictor asks the server for the folder that the version names
    url = artifact_url(registry_uri, registered.source)
    fetched = fetch_bundle(url, sha256=registered.sha256)
    # Then it gets the very bytes
    assert fetched == read_bundle(tiny_bundle)
    assert fetched.sha256 == registered.sha256
