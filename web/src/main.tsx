import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "@/shell/app";
import { takeCode } from "@/shell/first-run-code";
import { takeRegistration } from "@/shell/registration";
import { takeToken } from "@/shell/reset-token";
import { startLanguage } from "@/words";

takeCode();
takeRegistration();
takeToken();
// a newer hub no longer has the older chunks
addEventListener("vite:preloadError", () => location.reload());

void startLanguage()
  .catch(() => undefined)
  .then(() =>
    createRoot(document.getElementById("root")!).render(
      <StrictMode>
        <App />
      </StrictMode>,
    ),
  );
