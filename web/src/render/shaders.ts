/** The shaders: `avatarkit.render.cpu.lighting` in GLSL ES 3.00. Keep the two alike. */

import { FACTORS, LIGHTS } from "./studio.js";

function glsl(x: number): string {
  return x.toFixed(7);
}

const CONSTANTS = Object.entries(LIGHTS)
  .map(([name, vector]) => `const vec3 ${name} = vec3(${vector.map(glsl).join(", ")});`)
  .join("\n");

const CARRY = /* glsl */ `
in vec3 position;
in vec2 share;
uniform mat4 neck;
uniform mat4 head;
mat4 carrier() {
  return mat4(1.0) * (1.0 - share.x - share.y) + neck * share.x + head * share.y;
}
`;

/** Takes a vertex to the screen. */
export const VERTEX = /* glsl */ `
precision highp float;
${CARRY}
in vec3 normal;
#ifdef HAS_COLOR
in vec4 color;
#endif
#ifdef HAS_UV
in vec2 uv;
out vec2 vUv;
#endif
#ifdef HAS_TANGENT
in vec4 tangent;
out vec4 vTangent;
#endif
uniform mat4 camera;
uniform vec4 baseColor;
out vec3 vPosition;
out vec3 vNormal;
out vec4 vColor;
void main() {
  mat4 m = carrier();
  vec4 world = m * vec4(position, 1.0);
  mat3 turn = mat3(m);
  vPosition = world.xyz;
  vNormal = normalize(turn * normal);
  vColor = baseColor;
#ifdef HAS_COLOR
  vColor *= color;
#endif
#ifdef HAS_UV
  vUv = uv;
#endif
#ifdef HAS_TANGENT
  vTangent = vec4(turn * tangent.xyz, tangent.w);
#endif
  gl_Position = camera * world;
}
`;

/** The light that leaves a point towards the camera, as sRGB. */
export const FRAGMENT = /* glsl */ `
precision highp float;
precision highp int;
${CONSTANTS}
in vec3 vPosition;
in vec3 vNormal;
in vec4 vColor;
#ifdef HAS_UV
in vec2 vUv;
#endif
#ifdef HAS_TANGENT
in vec4 vTangent;
#endif
#ifdef HAS_TEXTURE
uniform sampler2D picture;
#endif
#ifdef HAS_BUMPS
uniform sampler2D bumps;
#endif
uniform float m[${FACTORS}];
uniform vec3 eye;
uniform float cutoff;
uniform mat4 light;
uniform vec2 lightDepths;
uniform float texelSize;
uniform highp sampler2DShadow shadowMap;
out vec4 outColor;

#if SHADOW_TAPS > 0
// Share of the key light that arrives: a 4 x 4 box over the shadow map, smooth between texels, as nine bilinear
// comparisons. So that a surface does not shade itself, points are moved out along their normal, the more the
// flatter the light falls in.
float shadowAt(vec3 n, float key) {
  float away = texelSize * (0.4 + 2.6 * sqrt(max(1.0 - key * key, 0.0)));
  vec3 at = (light * vec4(vPosition + n * away, 1.0)).xyz;
  float depth = (at.z - texelSize - lightDepths.x) / (lightDepths.y - lightDepths.x);
  vec2 size = vec2(textureSize(shadowMap, 0));
  vec2 corner = at.xy - 2.5;
  vec2 first = floor(corner);
  if (any(lessThan(first, vec2(0.0))) || any(greaterThanEqual(first + 4.0, size))) return 1.0;
#if SHADOW_TAPS == 1
  return texture(shadowMap, vec3(at.xy / size, depth));
#else
  vec2 f = corner - first;
  // Weights of five texels in a line: 1 - f, 1, 1, 1, f; neighbours share one sample between them.
  vec2 places[3] = vec2[3](first + 0.5 + 1.0 / (2.0 - f), first + 3.0, first + 4.5);
  vec2 weights[3] = vec2[3](2.0 - f, vec2(2.0), f);
  float total = 0.0;
  for (int j = 0; j < 3; j++) {
    for (int i = 0; i < 3; i++) {
      vec2 place = vec2(places[i].x, places[j].y) / size;
      total += weights[i].x * weights[j].y * texture(shadowMap, vec3(place, depth));
    }
  }
  return total / 16.0;
#endif
}
#endif

// Lambert's law that reaches wrap beyond the terminator, eased out there by m[3].
vec3 diffuse(float cosine, vec3 wrap) {
  vec3 t = max((cosine + wrap) / (1.0 + wrap), 0.0);
  return t * (1.0 - m[3] + m[3] * t);
}

// Film-like response of linear light: straight up to 0.6, then rolling off towards 1.
vec3 shoulder(vec3 x) {
  vec3 t = max(x - 0.6, 0.0) * 2.5;
  return min(x, 0.6) + 0.4 * t / (1.0 + t);
}

vec3 encode(vec3 x) {
  x = clamp(x, 0.0, 1.0);
  return mix(x * 12.92, 1.055 * pow(max(x, 1e-6), vec3(1.0 / 2.4)) - 0.055, vec3(greaterThan(x, vec3(0.0031308))));
}

#ifdef IS_HAIR
// Highlights of hair (Kajiya and Kay 1989, Marschner et al. 2003 as approximated by Scheuermann 2004).
vec3 strands(vec3 n, vec3 t, vec3 v) {
  vec3 h = normalize(KEY + v);
  float th = dot(t, h);
  float nh = dot(n, h);
  float along1 = th - 0.09 * nh;
  float along2 = th + 0.13 * nh;
  float first = pow(max(1.0 - along1 * along1, 0.0), 32.0);
  float second = pow(max(1.0 - along2 * along2, 0.0), 8.0);
  float tr = dot(t, RIM);
  float tv = dot(t, v);
  float back = max(sqrt(max((1.0 - tr * tr) * (1.0 - tv * tv), 0.0)) - tr * tv, 0.0);
  return vec3(first, second, pow(back, 8.0));
}
#endif

void main() {
  vec4 albedo = vColor;
#ifdef HAS_TEXTURE
  albedo *= texture(picture, vUv);
#endif
#ifdef IS_SOFT
  if (albedo.a < 0.004) discard;
#else
  if (albedo.a < cutoff) discard;
  albedo.a = 1.0;
#endif
#ifdef IS_PHOTO
  outColor = vec4(encode(albedo.rgb), 1.0) * albedo.a;
  return;
#endif
  vec3 n = normalize(vNormal) * (gl_FrontFacing ? 1.0 : -1.0);
#ifdef HAS_TANGENT
  vec3 t = normalize(vTangent.xyz);
#ifdef HAS_BUMPS
  vec3 bump = texture(bumps, vUv).xyz * 2.0 - 1.0;
  vec3 u = normalize(t - n * dot(t, n));
  n = normalize(bump.x * u + bump.y * vTangent.w * cross(n, u) + bump.z * n);
#endif
#endif
  vec3 v = normalize(eye - vPosition);
  float key = dot(n, KEY);
  // Where a surface turns away from the light, the terminator takes over from the shadow map's coarse edge.
  float turning = clamp(0.6 - key * 4.0, 0.0, 1.0);
  float shadow = 1.0;
#if SHADOW_TAPS > 0
  if (turning < 1.0) shadow -= m[12] * (1.0 - shadowAt(n, key)) * (1.0 - turning);
#endif
  float fill = max(dot(n, FILL) * 0.75 + 0.25, 0.0);
  float back = max(dot(n, RIM), 0.0);
  float penumbra = m[4] * shadow * (1.0 - shadow);
  vec3 arriving = vec3(min(shadow + penumbra, 1.0), shadow + 0.15 * penumbra, shadow);
  vec3 keyLight = diffuse(key, vec3(m[0], m[1], m[2])) * arriving;
  float sky = 0.5 + 0.5 * n.y;
  float edge = 1.0 - max(dot(n, v), 0.0);
  float rim = m[10] * back * (0.25 + 0.75 * edge * edge);
  vec3 ambient = fill * FILL_COLOR + sky * SKY_COLOR + (1.0 - sky) * GROUND_COLOR;
  vec3 color = albedo.rgb * (keyLight * KEY_COLOR + m[5] * ambient + rim * RIM_COLOR);

  float nh = pow(max(dot(n, normalize(KEY + v)), 0.0), 8.0);
  float wet = pow(max(dot(n, normalize(CATCH + v)), 0.0), 384.0);
  float gloss = (m[6] * nh + m[7] * pow(nh, 6.0)) * shadow * clamp(key * 4.0, 0.0, 1.0) + m[8] * wet * (0.4 + 0.6 * shadow);
  color += gloss * KEY_COLOR;
#ifdef IS_HAIR
  vec3 lobes = strands(n, t, v);
  float strength = shadow * clamp(key * 1.4 + 0.35, 0.0, 1.0) * m[11];
  float behind = lobes.z * 0.5 * back * m[11] * m[10];
  color += KEY_COLOR * strength * (0.10 * lobes.x + 0.85 * lobes.y * albedo.rgb) + behind * (albedo.rgb + 0.03);
#endif
  float grazing = edge * edge * edge * edge * edge;
  color += m[9] * grazing * m[5] * (sky * SKY_COLOR + fill * FILL_COLOR) * 2.0;
  outColor = vec4(encode(shoulder(color)), 1.0);
}
`;

/** Takes a vertex to the light's view. */
export const SHADOW_VERTEX = /* glsl */ `
precision highp float;
${CARRY}
uniform mat4 lightClip;
void main() {
  gl_Position = lightClip * (carrier() * vec4(position, 1.0));
}
`;

/** Only depth counts. */
export const SHADOW_FRAGMENT = /* glsl */ `
precision mediump float;
out vec4 outColor;
void main() {
  outColor = vec4(1.0);
}
`;
