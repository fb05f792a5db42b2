/* Sends back what comes to UDP port 53. */
#include <netinet/in.h>
#include <sys/socket.h>

int main(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
    char data[2048];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
        return 1;
    for (;;) {
        socklen_t size = sizeof at;
        ssize_t got = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&at, &size);
        if (got >= 0)
            sendto(fd, data, (size_t)got, 0, (struct sockaddr *)&at, size);
    }
}
