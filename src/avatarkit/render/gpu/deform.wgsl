// Morph targets, then the neck and head joints: one thread for each vertex. Same result as render/cpu/deform.py.

struct Frame {
    weights: array<vec4f, 13>,
    neck: array<vec4f, 3>,
    head: array<vec4f, 3>,
}

struct Rest {
    position: vec3f, neck_share: f32,
    normal: vec3f, head_share: f32,
    tangent: vec4f,
}

struct Change {
    step: vec3f, shape: u32,
    bend: vec3f, unused: u32,
}

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> rest: array<Rest>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> changes: array<Change>;
@group(0) @binding(4) var<storage, read_write> deformed: array<f32>;  // position, normal, tangent, side: 10 each

@compute @workgroup_size(64)
fn deform(@builtin(global_invocation_id) id: vec3u) {
    let v = id.x;
    if v >= arrayLength(&rest) { return; }
    let at = rest[v];
    var p = at.position;
    var n = at.normal;
    for (var k = starts[v]; k < starts[v + 1]; k++) {
        let change = changes[k];
        let weight = frame.weights[change.shape / 4][change.shape % 4];
        p += weight * change.step;
        n += weight * change.bend;
    }
    let still = 1.0 - at.neck_share - at.head_share;
    var row: array<vec4f, 3>;
    for (var i = 0; i < 3; i++) {
        row[i] = at.neck_share * frame.neck[i] + at.head_share * frame.head[i];
        row[i][i] += still;
    }
    let world = vec3f(dot(row[0], vec4f(p, 1.0)), dot(row[1], vec4f(p, 1.0)), dot(row[2], vec4f(p, 1.0)));
    let turned = vec3f(dot(row[0].xyz, n), dot(row[1].xyz, n), dot(row[2].xyz, n));
    let normal = turned / sqrt(dot(turned, turned) + 1e-12);
    let t = at.tangent.xyz;
    let tangent = vec3f(dot(row[0].xyz, t), dot(row[1].xyz, t), dot(row[2].xyz, t));
    let o = v * 10u;
    for (var i = 0u; i < 3u; i++) {
        deformed[o + i] = world[i];
        deformed[o + 3u + i] = normal[i];
        deformed[o + 6u + i] = tangent[i];
    }
    deformed[o + 9u] = at.tangent.w;
}
