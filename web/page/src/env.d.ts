/** What the bundler makes of imports with a suffix: the URL of the built file. */
declare module "*?url" {
  const url: string;
  export default url;
}
declare module "*?worker&url" {
  const url: string;
  export default url;
}
