"""What a visitor gave: how files arrive, what is here, and what every form of the page hands on."""
