# Varnish 7: keeps answers until the dataset is another one.
# docs/guide/deployment.md tells how the parts stand; tests/test_replicas.py runs this very file.
#
# Every answer names its dataset (Rokgraph-Dataset), which does not change while it is served. So
# answers are kept as long as there is room, and a new version is one ban:
#
#     curl -X BAN -H 'Rokgraph-Dataset: sha256:…' http://127.0.0.1:6081/
#
# Run it with -p http_gzip_support=off: content codings and entity tags are then those of the replicas.

vcl 4.1;

import std;

backend replicas {
    .host = "127.0.0.1";
    .port = "8081";
    .connect_timeout = 1s;
    .first_byte_timeout = 70s;
    .between_bytes_timeout = 70s;
}

acl operators {
    "localhost";
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    if (req.method == "BAN") {
        if (client.ip !~ operators) {
            return (synth(405, "Not allowed"));
        }
        if (req.http.Rokgraph-Dataset !~ "^[A-Za-z0-9:._-]+$") {
            return (synth(400, "Which dataset shall stay?"));
        }
        ban("obj.http.Rokgraph-Dataset != " + req.http.Rokgraph-Dataset);
        return (synth(200, "Only answers from " + req.http.Rokgraph-Dataset + " are kept"));
    }
    # HAProxy's question whether the cache is there, which no client can ask; replicas have their own
    if (req.url == "/healthz" && !req.http.X-Forwarded-Host) {
        return (synth(200, "OK"));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    if (req.url ~ "^/(healthz|readyz|metrics)$") {
        return (pass);
    }
    # the one cookie is the language of pages
    if (req.http.Cookie ~ "(^|; *)lang=(en|ko)(;|$)") {
        set req.http.Cookie = regsub(req.http.Cookie, "^(?:.*; *)?(lang=(?:en|ko))(?:;.*)?$", "\1");
    } else {
        unset req.http.Cookie;
    }
    # one of the codings of ours, so that each is kept once
    if (req.http.Accept-Encoding ~ "zstd" && req.http.Accept-Encoding !~ "zstd *; *q=0(\.0*)?( *,|$)") {
        set req.http.Accept-Encoding = "zstd";
    } elsif (req.http.Accept-Encoding ~ "gzip" && req.http.Accept-Encoding !~ "gzip *; *q=0(\.0*)?( *,|$)") {
        set req.http.Accept-Encoding = "gzip";
    } else {
        unset req.http.Accept-Encoding;
    }
    return (hash);
}

sub vcl_hash {
    # addresses in answers are made of these, unless ROKGRAPH_BASE_URL is set
    hash_data(req.http.X-Forwarded-Proto);
    hash_data(req.http.X-Forwarded-Host);
}

sub vcl_backend_response {
    # none of ours: no replica was there
    if (beresp.status >= 502 && !beresp.http.Rokgraph-Dataset && bereq.retries < 3) {
        return (retry);
    }
    if (beresp.http.Cache-Control !~ "public") {
        set beresp.ttl = 60s;
        set beresp.uncacheable = true;
    } elsif (beresp.http.ETag) {
        set beresp.ttl = 7d;
    }
    set beresp.grace = 0s;
    # What is small is fetched whole before it is passed on: if a replica dies, it is asked again.
    if (std.integer(beresp.http.Content-Length, 2000000) < 1000000) {
        set beresp.do_stream = false;
    }
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.retries < 3) {
        return (retry);
    }
}

sub vcl_deliver {
    # what its makers say of its freshness counts from here (RFC 9211)
    unset resp.http.Age;
    if (obj.hits > 0) {
        set resp.http.Cache-Status = "varnish; hit";
    } else {
        set resp.http.Cache-Status = "varnish; fwd=miss";
    }
}
