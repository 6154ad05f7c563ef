"""Who is at the page where a team shares it: known by OIDC, or by a proxy that is trusted to say so."""
