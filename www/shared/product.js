// The name of the product: the only place that knows it. Writes it wherever a page says `data-product`.
export const PRODUCT = "openrtc";

for (const place of document.querySelectorAll("[data-product]")) place.textContent = PRODUCT;
document.title = document.title ? `${document.title} · ${PRODUCT}` : PRODUCT;
