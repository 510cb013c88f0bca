// Surfaces as a camera sees them: the same materials and lights as render/cpu/{dress,lighting}.py, line by line.

struct View {
    camera: array<vec4f, 3>,
    picture: vec4f,  // focal length, width and height in pixels, nearest depth in metres
    lights: array<vec4f, 8>,
    light_view: array<vec4f, 3>,
    shadow: vec4f,  // metres of a texel; nearest depth and depth range in metres; texels
}

struct Material {
    factors: array<vec4f, 5>,  // as the rows of cpu.materials.material_tables, padded
    flags: vec4i,  // has a texture, has a normal map, is unlit, is cut out softly
}

struct Corner {
    @builtin(position) @invariant place: vec4f,
    @location(0) @interpolate(perspective, centroid) position: vec3f,
    @location(1) @interpolate(perspective, centroid) normal: vec3f,
    @location(2) @interpolate(perspective, centroid) tangent: vec3f,
    @location(3) @interpolate(perspective, centroid) color: vec4f,
    @location(4) @interpolate(perspective, centroid) uv: vec2f,
    @location(5) @interpolate(perspective, center) middle_uv: vec2f,
    @location(6) @interpolate(perspective, center) middle_alpha: f32,
    @location(7) @interpolate(flat) side: f32,
    @location(8) @interpolate(flat) material: u32,
}

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read> materials: array<Material>;
@group(0) @binding(2) var shadow_map: texture_depth_2d;
@group(0) @binding(3) var filtered: sampler;
@group(1) @binding(0) var color_map: texture_2d<f32>;
@group(1) @binding(1) var normal_map: texture_2d<f32>;

const SHARPEST = 2.8;
const SQUEEZE = 0.4;

@vertex
fn surface_vertex(
    @builtin(instance_index) material: u32,
    @location(0) position: vec3f, @location(1) normal: vec3f, @location(2) tangent: vec4f,
    @location(3) color: vec4f, @location(4) uv: vec2f,
) -> Corner {
    let at = vec4f(position, 1.0);
    let seen = vec3f(dot(view.camera[0], at), dot(view.camera[1], at), dot(view.camera[2], at));
    var out: Corner;
    let focal = 2.0 * view.picture.x;
    // Depth runs from 1 at the nearest to 0 far away, which floating point numbers resolve best.
    out.place = vec4f(seen.x * focal / view.picture.y, -seen.y * focal / view.picture.z, view.picture.w, seen.z);
    out.position = position;
    out.normal = normal;
    out.tangent = tangent.xyz;
    out.side = tangent.w;
    out.color = color;
    out.uv = uv;
    out.middle_uv = uv;
    out.middle_alpha = color.a;
    out.material = material;
    return out;
}

// The mipmap level for a texture that moves by so many texels from pixel to pixel; see cpu.textures.mip_level.
fn mip_level(right: vec2f, down: vec2f, levels: u32) -> f32 {
    let longest = max(dot(right, right), dot(down, down));
    var texels = max(abs(right.x * down.y - down.x * right.y), SQUEEZE * longest);
    var level = 0u;
    while level + 1u < levels && texels > SHARPEST {
        texels *= 0.25;
        level += 1u;
    }
    return f32(level);
}

fn level_of(map: texture_2d<f32>, right: vec2f, down: vec2f) -> f32 {
    let size = vec2f(textureDimensions(map));
    return mip_level(right * size, down * size, textureNumLevels(map));
}

fn factor(m: u32, index: u32) -> f32 {
    return materials[m].factors[index / 4u][index % 4u];
}

fn light3(index: u32) -> vec3f {
    let i = index;
    return vec3f(
        view.lights[i / 4u][i % 4u], view.lights[(i + 1u) / 4u][(i + 1u) % 4u], view.lights[(i + 2u) / 4u][(i + 2u) % 4u]
    );
}

// How far a sample's alpha limit lies from the middle in what is cut out softly; see cpu.coverage.LIMITS.
fn limit(pixel: vec2u, sample: u32) -> f32 {
    const ORDER = array(0u, 8u, 2u, 10u, 12u, 4u, 14u, 6u, 3u, 11u, 1u, 9u, 15u, 7u, 13u, 5u);
    let fine = ORDER[(pixel.y % 4u) * 4u + pixel.x % 4u];
    return (f32((sample + fine) % 4u) + (f32(fine) + 0.5) / 16.0) / 4.0 - 0.5;
}

// Which of the four samples reach the cutoff.
fn kept_samples(m: u32, in: Corner, right: vec2f, down: vec2f, across: f32, along: f32, cutoff: f32) -> u32 {
    // Places of the GPU's samples, and the numbers that cpu.visibility gives them.
    const PLACES = array(vec2f(-0.125, -0.375), vec2f(0.375, -0.125), vec2f(-0.375, 0.125), vec2f(0.125, 0.375));
    const NUMBERS = array(0u, 1u, 3u, 2u);
    let level = level_of(color_map, right, down);
    let pixel = vec2u(in.place.xy);
    var mask = 0u;
    for (var s = 0u; s < 4u; s++) {
        let at = PLACES[s];
        var alpha = factor(m, 16u) * (in.middle_alpha + at.x * across + at.y * along);
        if materials[m].flags.x != 0 {
            alpha *= textureSampleLevel(color_map, filtered, in.middle_uv + at.x * right + at.y * down, level).a;
        }
        var least = cutoff;
        if materials[m].flags.w != 0 { least += limit(pixel, NUMBERS[s]); }
        if alpha >= least { mask |= 1u << s; }
    }
    return mask;
}

fn share_of_key_light(position: vec3f, normal: vec3f) -> f32 {
    let texel_m = view.shadow.x;
    let cosine = -dot(view.light_view[2].xyz, normal);
    let at = vec4f(position + normal * texel_m * (0.4 + 2.6 * sqrt(max(1.0 - cosine * cosine, 0.0))), 1.0);
    let place = vec2f(dot(view.light_view[0], at), dot(view.light_view[1], at)) - 2.5;
    let depth = (dot(view.light_view[2], at) - texel_m - view.shadow.y) / view.shadow.z;
    let corner = floor(place);
    let i = vec2i(corner);
    let size = i32(view.shadow.w);
    if any(i < vec2i(0)) || any(i + 4 >= vec2i(size)) { return 1.0; }
    let f = place - corner;
    let columns = array(1.0 - f.x, 1.0, 1.0, 1.0, f.x);
    let rows = array(1.0 - f.y, 1.0, 1.0, 1.0, f.y);
    var lit = 0.0;
    for (var y = 0; y < 5; y++) {
        var line = 0.0;
        for (var x = 0; x < 5; x++) {
            if textureLoad(shadow_map, i + vec2i(x, y), 0) > depth { line += columns[x]; }
        }
        lit += line * rows[y];
    }
    return lit / 16.0;
}

fn diffuse(cosine: f32, wrap: f32, soften: f32) -> f32 {
    let t = max((cosine + wrap) / (1.0 + wrap), 0.0);
    return t * (1.0 - soften + soften * t);
}

fn shoulder(x: vec3f) -> vec3f {
    let t = max(x - 0.6, vec3f(0.0)) * 2.5;
    return min(x, vec3f(0.6)) + 0.4 * t / (1.0 + t);
}

fn power(x: f32, doublings: u32) -> f32 {
    var y = x;
    for (var i = 0u; i < doublings; i++) { y *= y; }
    return y;
}

fn lit_color(m: u32, albedo: vec3f, position: vec3f, n: vec3f, direction: vec3f, share: f32) -> vec3f {
    let key_way = light3(0u); let key_color = light3(3u);
    let fill_way = light3(6u); let fill_color = light3(9u);
    let rim_way = light3(12u); let rim_color = light3(15u);
    let sky_color = light3(18u); let ground_color = light3(21u);
    let wrap = vec3f(factor(m, 0u), factor(m, 1u), factor(m, 2u));
    let soften = factor(m, 3u); let penumbra = factor(m, 4u); let ambient = factor(m, 5u);
    let sheen = factor(m, 9u); let rim_share = factor(m, 10u); let strand = factor(m, 11u);
    let away = light3(24u) - position;
    let v = away / sqrt(dot(away, away) + 1e-12);

    let key = dot(n, key_way);
    let turning = clamp(0.6 - key * 4.0, 0.0, 1.0);
    let lit = 1.0 - factor(m, 12u) * (1.0 - share) * (1.0 - turning);
    let half_lit = penumbra * lit * (1.0 - lit);
    var light = key_color * vec3f(
        diffuse(key, wrap.r, soften) * min(lit + half_lit, 1.0),
        diffuse(key, wrap.g, soften) * (lit + 0.15 * half_lit),
        diffuse(key, wrap.b, soften) * lit,
    );
    let fill = max(dot(n, fill_way) * 0.75 + 0.25, 0.0);
    let sky = 0.5 + 0.5 * n.y;
    light += ambient * (fill * fill_color + sky * sky_color + (1.0 - sky) * ground_color);
    let edge = 1.0 - max(dot(n, v), 0.0);
    let behind = max(dot(n, rim_way), 0.0);
    light += rim_share * behind * (0.25 + 0.75 * edge * edge) * rim_color;
    light *= albedo;

    let between = key_way + v;
    let h = between / sqrt(dot(between, between) + 1e-12);
    let nh = dot(n, h);
    let lobe = power(max(nh, 0.0), 3u);
    var gloss = factor(m, 6u) * lobe + factor(m, 7u) * power(power(lobe, 1u) * lobe, 1u);
    gloss *= lit * clamp(key * 4.0, 0.0, 1.0);
    let caught = light3(27u) + v;
    var wet = max(dot(n, caught) / sqrt(dot(caught, caught) + 1e-12), 0.0);
    wet = power(wet, 3u);
    wet = power(power(power(wet, 1u) * wet, 1u), 3u);
    gloss += factor(m, 8u) * wet * (0.4 + 0.6 * lit);
    let mirror = edge * power(edge, 2u) * sheen * ambient * 2.0;

    let t = direction / sqrt(dot(direction, direction) + 1e-12);
    let th = dot(t, h);
    let first = power(max(1.0 - power(th - 0.09 * nh, 1u), 0.0), 5u);
    let second = power(max(1.0 - power(th + 0.13 * nh, 1u), 0.0), 3u);
    let onto = strand * lit * clamp(key * 1.4 + 0.35, 0.0, 1.0);
    gloss += 0.10 * first * onto;
    let tr = dot(t, rim_way); let tv = dot(t, v);
    let around = sqrt(max((1.0 - tr * tr) * (1.0 - tv * tv), 0.0)) - tr * tv;
    let glow = power(max(around, 0.0), 3u) * 0.5 * behind * strand * rim_share;
    light += key_color * (gloss + second * 0.85 * onto * albedo) + mirror * (sky * sky_color + fill * fill_color);
    light += glow * (albedo + 0.03);
    return shoulder(light);
}

fn color_of(in: Corner, front: bool, right: vec2f, down: vec2f) -> vec4f {
    let m = in.material;
    var albedo = vec3f(factor(m, 13u), factor(m, 14u), factor(m, 15u)) * in.color.rgb;
    if materials[m].flags.x != 0 {
        albedo *= textureSampleLevel(color_map, filtered, in.uv, level_of(color_map, right, down)).rgb;
    }
    if materials[m].flags.z != 0 { return vec4f(albedo, 1.0); }
    var n = select(-1.0, 1.0, front) * in.normal;
    n /= sqrt(dot(n, n) + 1e-12);
    if materials[m].flags.y != 0 {
        let bend = textureSampleLevel(normal_map, filtered, in.uv, level_of(normal_map, right, down)).xyz * 2.0 - 1.0;
        var t = in.tangent - dot(in.tangent, n) * n;
        t /= sqrt(dot(t, t) + 1e-12);
        n = bend.x * t + in.side * bend.y * cross(n, t) + bend.z * n;
        n /= sqrt(dot(n, n) + 1e-12);
    }
    let share = share_of_key_light(in.position, n);
    return vec4f(lit_color(m, albedo, in.position, n, in.tangent, share), 1.0);
}

// Depths come first, from a pass of their own; then only what is seen is lit, and each sample once.
@fragment
fn cut_depth(in: Corner) -> @builtin(sample_mask) u32 {
    let right = dpdx(in.middle_uv); let down = dpdy(in.middle_uv);
    let across = dpdx(in.middle_alpha); let along = dpdy(in.middle_alpha);
    return kept_samples(in.material, in, right, down, across, along, factor(in.material, 17u));
}

@fragment
fn surface_fragment(in: Corner, @builtin(front_facing) front: bool) -> @location(0) vec4f {
    return color_of(in, front, dpdx(in.middle_uv), dpdy(in.middle_uv));
}
