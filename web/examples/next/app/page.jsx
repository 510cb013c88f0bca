import Stage from "./stage";

export default function Page() {
  return <Stage appId={process.env.APP_ID ?? "APP_ID"} endpoint={process.env.ENDPOINT ?? "http://127.0.0.1:8700"} />;
}
