// From the mean linear light of a pixel's samples to sRGB bytes with straight alpha.

@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var<storage, read_write> bytes: array<u32>;

fn encoded(light: vec3f) -> vec3f {
    let v = clamp(light, vec3f(0.0), vec3f(1.0));
    return select(1.055 * pow(v, vec3f(1.0 / 2.4)) - 0.055, v * 12.92, v <= vec3f(0.0031308));
}

@compute @workgroup_size(8, 8)
fn encode(@builtin(global_invocation_id) id: vec3u) {
    let size = textureDimensions(picture);
    if id.x >= size.x || id.y >= size.y { return; }
    let pixel = textureLoad(picture, id.xy, 0);
    var packed = 0u;
    if pixel.a > 0.0 {
        let color = vec3u(encoded(pixel.rgb / pixel.a) * 255.0 + 0.5);
        packed = color.r | (color.g << 8u) | (color.b << 16u) | (u32(pixel.a * 255.0 + 0.5) << 24u);
    }
    bytes[id.y * size.x + id.x] = packed;
}
