// What a passkey's dialogue ends in when it is closed or fails: a sentence on the page instead of an error in the console.
"use strict";
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const place = document.getElementById("passkey-error");
  if (!place) return;
  const name = event.detail.exception && event.detail.exception.name;
  place.textContent = place.dataset[name === "InvalidStateError" ? "again" : name === "SecurityError" ? "place" : "closed"];
  place.hidden = false;
});
