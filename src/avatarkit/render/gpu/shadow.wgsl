// The shadow map: how far the key light reaches, as depth within `reach` metres. See render/cpu/shadow.py.

struct View {
    camera: array<vec4f, 3>,
    picture: vec4f,  // focal length, width and height in pixels, nearest depth in metres
    lights: array<vec4f, 8>,
    light_view: array<vec4f, 3>,
    shadow: vec4f,  // metres of a texel; nearest depth and depth range in metres; texels
}

@group(0) @binding(0) var<uniform> view: View;

@vertex
fn shadow_vertex(@location(0) position: vec3f) -> @builtin(position) vec4f {
    let at = vec4f(position, 1.0);
    let texel = vec2f(dot(view.light_view[0], at), dot(view.light_view[1], at));
    let depth = (dot(view.light_view[2], at) - view.shadow.y) / view.shadow.z;
    return vec4f(texel.x * 2.0 / view.shadow.w - 1.0, 1.0 - texel.y * 2.0 / view.shadow.w, depth, 1.0);
}
