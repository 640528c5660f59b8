// Shows the API documents of all services, one at a time; calls go to this page's own origin.
"use strict";

const element = document.getElementById("reference");
const services = element.dataset.services.split(" ");

window.ui = SwaggerUIBundle({
  domNode: element,
  urls: services.map((name) => ({ name, url: `../openapi/${name}.json` })),
  "urls.primaryName": new URLSearchParams(location.search).get("urls.primaryName") || services[0],
  layout: "StandaloneLayout",
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
