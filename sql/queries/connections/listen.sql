-- Subscribes the session to a channel.
listen :"channel"
